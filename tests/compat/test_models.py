"""Every published model and event, field by field: wire name, default, requiredness, both names, extra fields kept."""

import datetime as dt
from typing import Any

import pydantic
import pytest
from published_models import BASES, EVENTS, LAXER, MODELS, REQUIRED, Field, fields_of

from kai_client import models

TABLES = {**MODELS, **EVENTS}
NOW = dt.datetime(2025, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
SAMPLES: dict[str, Any] = {
    "str": "text",
    "bool": True,
    "int": 7,
    "float": 1.5,
    "datetime": NOW,
    "dict": {"a": [1]},
    "dict of str": {"a": "b"},
    "list of dict": [{"type": "text", "text": "x"}],
    "any": {"a": [1, None]},
}
FIELDS = [(name, field) for name, table in TABLES.items() for field in fields_of(table)]
every_model = pytest.mark.parametrize("name", TABLES)
every_field = pytest.mark.parametrize(("name", "field"), FIELDS, ids=[f"{name}.{field.name}" for name, field in FIELDS])


def model(name: str) -> type[pydantic.BaseModel]:
    """Our model of a published name."""
    found: type[pydantic.BaseModel] = getattr(models, name)
    return found


def sample(kind: str) -> Any:
    """A value of a published type."""
    if kind.startswith("'"):
        return kind.split("'")[1]
    if kind in SAMPLES:
        return SAMPLES[kind]
    if kind.startswith("list of "):
        return [sample(kind.removeprefix("list of "))]
    return model(kind)(**arguments(kind))


def arguments(name: str, *, wire: bool = False, only_required: bool = False) -> dict[str, Any]:
    """Arguments for a published model, by Python names or by wire names."""
    return {
        field.wire if wire else field.name: sample(field.type)
        for field in fields_of(TABLES[name])
        if field.default is REQUIRED or not only_required
    }


@every_model
def test_made_by_python_names(name: str) -> None:
    """A model is made with Python names, and holds what it was given."""
    made = model(name)(**arguments(name))
    assert {field: getattr(made, field) for field in arguments(name)} == arguments(name)


@every_model
def test_made_by_wire_names(name: str) -> None:
    """A model is made with wire names, and is the same as one made with Python names."""
    by_wire = model(name).model_validate(arguments(name, wire=True))
    assert by_wire == model(name)(**arguments(name))
    assert model(name)(**arguments(name, wire=True)) == by_wire


@every_model
def test_dumped(name: str) -> None:
    """A model is dumped under Python names, or under wire names with `by_alias`."""
    made = model(name)(**arguments(name))
    assert set(made.model_dump()) >= set(arguments(name))
    assert set(made.model_dump(by_alias=True)) >= set(arguments(name, wire=True))


@every_model
def test_json(name: str) -> None:
    """A model survives the way through its own JSON."""
    made = model(name)(**arguments(name))
    assert model(name).model_validate_json(made.model_dump_json(by_alias=True)) == made
    assert model(name).model_validate_json(made.model_dump_json()) == made


@every_model
def test_least(name: str) -> None:
    """A model is made from its required fields alone; the others have their published defaults."""
    made = model(name)(**arguments(name, only_required=True))
    for field in fields_of(TABLES[name]):
        if field.default is not REQUIRED:
            assert getattr(made, field.name) == field.default, field.name


@every_model
def test_extra_fields(name: str) -> None:
    """Unknown fields are kept, as attributes and in the dump."""
    made = model(name)(**arguments(name), somethingNew={"a": 1})
    assert getattr(made, "somethingNew") == {"a": 1}  # noqa: B009 - no declared attribute
    assert made.model_dump()["somethingNew"] == {"a": 1}


@every_model
def test_base(name: str) -> None:
    """A model has its published base."""
    base = model(BASES[name]) if name in BASES else pydantic.BaseModel
    assert issubclass(model(name), base)


@every_model
def test_compared_and_printed(name: str) -> None:
    """Models compare by value and print as `Name(field=value, ...)`."""
    made, twin = model(name)(**arguments(name)), model(name)(**arguments(name))
    assert made == twin
    assert made != model(name)(**arguments(name), other=1)
    assert repr(made).startswith(f"{name}(")
    for field in arguments(name):
        assert f"{field}={getattr(made, field)!r}" in repr(made)


@every_field
def test_field(name: str, field: Field) -> None:
    """Every published field is there, with its wire name, its default, and required if it was."""
    found = model(name).model_fields[field.name]
    assert (found.alias or field.name) == field.wire
    if field.default is not REQUIRED:
        assert not found.is_required()
        assert found.get_default(call_default_factory=True) == field.default
    elif f"{name}.{field.name}" not in LAXER:
        assert found.is_required()
        lacking = arguments(name)
        del lacking[field.name]
        if (name, field.name) != ("Vote", "type"):  # a vote without a type is read from `isUpvoted`
            with pytest.raises(pydantic.ValidationError):
                model(name)(**lacking)


@pytest.mark.parametrize("value", [None, 1, "text", [1], {"a": 1}], ids=repr)
@pytest.mark.parametrize("name", ["input", "output"])
def test_any_input_and_output(name: str, value: Any) -> None:
    """Tool input and output take any JSON, in the event and in the part."""
    event = models.ToolCallEvent.model_validate({"toolCallId": "c", "state": "done", name: value})
    part = models.ToolCallPart.model_validate({"type": "tool-q", "toolCallId": "c", "state": "done", name: value})
    assert getattr(event, name) == getattr(part, name) == value


@pytest.mark.parametrize("name", [name for name in TABLES if "'" in TABLES[name]])
def test_literal(name: str) -> None:
    """A field with a fixed value takes no other."""
    with pytest.raises(pydantic.ValidationError):
        model(name)(**{**arguments(name), ("role" if name == "MessageRequest" else "type"): "other"})


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"type": "up"}, "up"),
        ({"type": "down"}, "down"),
        ({"isUpvoted": True}, "up"),
        ({"isUpvoted": False}, "down"),
        ({}, "down"),
        ({"type": "up", "isUpvoted": False}, "up"),
    ],
    ids=str,
)
def test_vote_shapes(sent: dict[str, Any], expected: str) -> None:
    """A vote is read from `type`, or else from `isUpvoted` (protocol 8.2)."""
    assert models.Vote.model_validate({"chatId": "c", "messageId": "m", **sent}).type == expected
