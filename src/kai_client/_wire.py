"""How JSON from the wire becomes models: the one base class, the one tolerant reader, the one JSON decoder.

A liberal reader (design, section 4): unknown fields are kept, a value of the wrong type in an optional field counts as
absent, and only a required field that cannot be read is an error. What fails here is a `ValueError`; the room that knows
where the data came from turns it into a `KaiError`.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NoReturn, TypeGuard, TypeVar, cast

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

_GONE: Final = object()
_SHOWN: Final = 3
"""How many broken fields an error message names."""

ModelT = TypeVar("ModelT", bound=BaseModel)


class WireModel(BaseModel):
    """A JSON object of the API: camelCase on the wire, snake_case in Python, both accepted, unknown fields kept."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        # Eighty models are built when first used, not when the package is imported.
        defer_build=True,
        # Names that begin with `model` are the API's own (selectedChatModel); nothing of pydantic's is shadowed.
        protected_namespaces=(),
    )


def decode_json(text: str) -> JsonValue:
    """The JSON value in `text`. Raises `ValueError` for anything else, NaN and absurdly deep nesting included."""
    try:
        return cast("JsonValue", _DECODER.decode(text))
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a decoded JSON value is an array."""
    return isinstance(value, list)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant)
"""`json.loads` would make one for each text."""


def read_leniently(model: type[ModelT], data: Mapping[str, Any]) -> ModelT:
    """`data` as a `model`; an optional value that cannot be read counts as absent, whole with what it holds.

    Raises `ValueError`, naming the fields, when a required one, or an element of a list, is missing or unreadable.
    """
    first: ValidationError | None = None
    while True:
        try:
            return model.model_validate(data)
        except ValidationError as error:
            first = first or error
            try:
                pruned = _without_unreadable(data, error)
            except ValueError:
                pruned = None
            if pruned is None:
                raise ValueError(_summary(first)) from None
            data = pruned


def _without_unreadable(data: Mapping[str, Any], error: ValidationError) -> dict[str, Any] | None:
    """`data` without the values that `error` names; None where it is `data` itself that cannot be read."""
    pruned: object = dict(data)
    for detail in error.errors(include_url=False, include_input=False, include_context=False):
        # What misses a required value is itself unreadable.
        path = detail["loc"][:-1] if detail["type"] == "missing" else detail["loc"]
        pruned = _without(pruned, path)
    return pruned if is_object(pruned) else None


def _without(value: object, path: Sequence[int | str]) -> object:
    """`value` without what stands at `path`, copied only along the way; `_GONE` where it is `value` itself that goes."""
    if not path or value is _GONE:
        return _GONE
    step, rest = path[0], path[1:]
    if is_object(value) and isinstance(step, str) and step in value:
        inner = _without(value[step], rest)
        kept = {key: other for key, other in value.items() if key != step}
        return kept if inner is _GONE else {**kept, step: inner}
    if is_array(value) and isinstance(step, int) and step < len(value):
        inner = _without(value[step], rest)
        if inner is _GONE:  # a list that silently lost an element, or all of them, would say something else
            raise ValueError("an element of a list cannot be read")
        return [*value[:step], inner, *value[step + 1 :]]
    return _without(value, rest)  # the tag of a union member: part of the location, not of the data


def to_wire(model: BaseModel) -> dict[str, Any]:
    """The JSON object of a model: wire names, only what was set, values as they are, however deep."""
    fields = type(model).model_fields
    wire: dict[str, Any] = {}
    for name, value in model.__dict__.items():
        if name in model.model_fields_set:
            wire[fields[name].alias or name] = to_wire(value) if isinstance(value, BaseModel) else value
    return wire | (model.model_extra or {})


def to_request(model: BaseModel) -> dict[str, Any]:
    """The JSON object of a request: wire names, defaults too, without the optional fields that are None."""
    fields = type(model).model_fields
    wire: dict[str, Any] = {}
    for name, value in model.__dict__.items():
        if value is not None or fields[name].is_required():
            wire[fields[name].alias or name] = _request_value(value)
    return wire | (model.model_extra or {})


def _request_value(value: object) -> object:
    if isinstance(value, BaseModel):
        return to_request(value)
    if is_array(value):
        return [to_request(item) if isinstance(item, BaseModel) else item for item in value]
    return value


def _summary(error: ValidationError) -> str:
    """Which fields, and why, without the values: they may be secret, and they may be huge."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    shown = [f"{'.'.join(map(str, detail['loc'])) or 'value'}: {detail['msg']}" for detail in details[:_SHOWN]]
    more = f" (and {len(details) - _SHOWN} more)" if len(details) > _SHOWN else ""
    return "; ".join(shown) + more
