"""Parameters that are dataclasses, typed dictionaries or named tuples: each is one key, and has the keys of its own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple, NotRequired

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import BaseModel
from toolbox_calls import tool_call
from typing_extensions import TypedDict

from kai_client.approvals import Denial, Policy
from kai_client.toolbox import Toolbox, ToolError


@dataclass
class Point:
    x: int
    y: int = 0


@dataclass
class OddlyNamed:
    """Has the names that a reader of parameters may use for itself."""

    field_0: int = 0
    field_1: int = 0


class Row(TypedDict):
    id: int
    label: NotRequired[str]


class Pair(NamedTuple):
    left: int
    right: int = 9


class Holder(BaseModel):
    point: Point
    row: Row


def point(value: Point, other: int) -> list[Any]:
    return [value.x, value.y, other]


def oddly_named(value: OddlyNamed, other: int) -> list[Any]:
    return [value.field_0, value.field_1, other]


def row(value: Row, other: int) -> list[Any]:
    return [value["id"], value.get("label"), other]


def pair(value: Pair, other: int) -> list[Any]:
    return [value.left, value.right, other]


def holder(value: Holder, other: int) -> list[Any]:
    return [value.point.x, value.row["id"], other]


def points(value: list[Point], other: int) -> list[Any]:
    return [*(each.x for each in value), other]


def alone(value: Point) -> list[Any]:
    return [value.x, value.y]


FUNCTIONS: list[Callable[..., Any]] = [point, oddly_named, row, pair, holder, points, alone]
tools = Toolbox()
for each in FUNCTIONS:
    tools.tool(each)

ACCEPTED: list[tuple[str, Any, Any]] = [
    ("point", {"value": {"x": 1}, "other": 5}, [1, 0, 5]),
    ("point", {"value": {"x": 1, "y": 2}, "other": 5}, [1, 2, 5]),
    ("oddly_named", {"value": {"field_0": 1, "field_1": 2}, "other": 5}, [1, 2, 5]),
    ("oddly_named", {"value": {}, "other": 5}, [0, 0, 5]),
    ("row", {"value": {"id": 1}, "other": 5}, [1, None, 5]),
    ("row", {"value": {"id": 1, "label": "a"}, "other": 5}, [1, "a", 5]),
    ("pair", {"value": [1], "other": 5}, [1, 9, 5]),
    ("pair", {"value": [1, 2], "other": 5}, [1, 2, 5]),
    ("holder", {"value": {"point": {"x": 1}, "row": {"id": 2}}, "other": 5}, [1, 2, 5]),
    ("points", {"value": [{"x": 1}, {"x": 2}], "other": 5}, [1, 2, 5]),
    ("alone", {"value": {"x": 1}}, [1, 0]),
]

REFUSED: list[tuple[str, Any, str]] = [
    ("point", {"value": {}, "other": 5}, "value.x: Field required"),
    ("point", {"value": {"value": 1}, "other": 5}, "value.x: Field required"),
    ("point", {"value": {"x": "many"}, "other": 5}, "value.x: Input should be a valid integer"),
    ("row", {"value": {"value": 1}, "other": 5}, "value.id: Field required"),
    ("holder", {"value": {"point": {"x": 1}, "row": {}}, "other": 5}, "value.row.id: Field required"),
    ("points", {"value": [{"x": 1}, {}], "other": 5}, "value.1.x: Field required"),
    ("alone", {"x": 1}, "value: Field required"),
    ("point", {"value": {"x": 1}}, "other: Field required"),
    ("point", {"field_0": {"x": 1}, "field_1": 5}, "value: Field required; other: Field required"),
]


@pytest.mark.parametrize(("name", "inputs", "output"), ACCEPTED)
async def test_the_function_gets_the_value(name: str, inputs: Any, output: Any) -> None:
    """A value of the annotated kind, its keys named as the class names them."""
    assert await tools.execute(name, inputs) == output


@pytest.mark.parametrize(("name", "inputs", "problem"), REFUSED)
async def test_what_does_not_fit_is_named(name: str, inputs: Any, problem: str) -> None:
    """The problem is told by the names that the caller knows."""
    with pytest.raises(ToolError) as caught:
        await tools.execute(name, inputs)
    assert caught.value.code == "tool:invalid_input"
    assert problem in caught.value.message


@pytest.mark.parametrize(("name", "inputs", "_"), ACCEPTED)
def test_the_schema_says_the_same(name: str, inputs: Any, _: Any) -> None:
    """What is accepted is what the schema tells."""
    (schema,) = (schema for schema in tools.schemas() if schema.name == name)
    jsonschema.validate(inputs, schema.input_schema)


def policy_of(function: Any, asked: list[Any]) -> Policy:
    """A policy with the parameters of the function, which notes what it is asked about."""

    def rule(**arguments: Any) -> bool:
        asked.append(function(**arguments))
        return True

    own = Toolbox()
    rule.__wrapped__ = function  # type: ignore[attr-defined] # pyright: ignore[reportFunctionMemberAccess] - so it tells its parameters
    rule.__annotations__ = function.__annotations__
    own.approve("remote")(rule)
    policy = own.policy_for("remote")
    assert policy is not None
    return policy


@pytest.mark.parametrize(("name", "inputs", "output"), ACCEPTED)
def test_a_policy_gets_the_value(name: str, inputs: Any, output: Any) -> None:
    """A policy is asked with the same values; keys that it does not name are ignored, those inside a value are its own."""
    asked: list[Any] = []
    policy = policy_of(globals()[name], asked)
    assert policy(tool_call("remote", {**inputs, "more": 1})) is True
    assert asked == [output]


@pytest.mark.parametrize(("name", "inputs", "problem"), REFUSED)
def test_a_policy_is_not_asked_about_what_does_not_fit(name: str, inputs: Any, problem: str) -> None:
    """It is denied with the problem as the reason."""
    asked: list[Any] = []
    ruling = policy_of(globals()[name], asked)(tool_call("remote", inputs))
    assert isinstance(ruling, Denial)
    assert problem in (ruling.reason or "")
    assert asked == []


def test_a_strict_policy_guesses_nothing_inside_either() -> None:
    """A text in a dictionary is no bool, and a number in a dataclass no text."""

    class Flags(TypedDict):
        sure: bool

    own = Toolbox()

    @own.approve("remote")
    def sure(flags: Flags, point: Point) -> bool:
        return flags["sure"] and point.x > 0

    policy = own.policy_for("remote")
    assert policy is not None
    assert policy(tool_call("remote", {"flags": {"sure": True}, "point": {"x": 1}})) is True
    for flags, x in (("true", 1), (1, 1), (True, "1"), (True, 1.5)):
        ruling = policy(tool_call("remote", {"flags": {"sure": flags}, "point": {"x": x}}))
        assert isinstance(ruling, Denial)
