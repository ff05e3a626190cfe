"""Schemas: what a tool tells about itself before anybody calls it."""

from dataclasses import FrozenInstanceError
from datetime import date
from typing import Annotated, Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from pydantic import BaseModel, Field
from toolbox_calls import tool_call

from kai_client.approvals import ToolCall
from kai_client.toolbox import Toolbox, ToolContext, ToolSchema
from kai_client.types import JsonObject


class Point(BaseModel):
    """A place on a map."""

    x: int
    y: int = 0


class Tree(BaseModel):
    """A value and what hangs from it."""

    value: int
    children: list["Tree"] = []


class Settings(BaseModel):
    """How to draw."""

    scale: float = Field(gt=0)
    origin: "Origin | None" = None


class Origin(BaseModel):
    """Named as nothing else here, but in the definitions all the same."""

    at: Point


Settings.model_rebuild()
tools = Toolbox()


@tools.tool
async def draw(tree: Tree, params: Settings, context: ToolContext[None]) -> Tree:
    """Draw a tree."""
    return tree


@tools.tool(name="distance", description="How far it is.")
def measure(
    start: Point, end: Annotated[Point, Field(description="Where to.")], day: date = date(2026, 1, 2)
) -> dict[str, float]:
    """Not shown."""
    return {"distance": float(abs(start.x - end.x)) + day.day - 2}


class Paging(BaseModel):
    limit: int = 10


@tools.tool
def listed(params: Paging) -> int:
    return params.limit


@tools.tool
def untyped():  # type: ignore[no-untyped-def]
    return 1


def schema_of(name: str) -> ToolSchema:
    """The schema of one tool."""
    return next(schema for schema in tools.schemas() if schema.name == name)


def test_a_schema_says_all_that_a_caller_needs() -> None:
    """Name, description, and what goes in and comes out, as JSON Schema; the context is nobody's business."""
    schema = schema_of("distance")
    point = {
        "description": "A place on a map.",
        "properties": {"x": {"title": "X", "type": "integer"}, "y": {"default": 0, "title": "Y", "type": "integer"}},
        "required": ["x"],
        "title": "Point",
        "type": "object",
    }
    assert schema.to_dict() == {
        "name": "distance",
        "description": "How far it is.",
        "input_schema": {
            "$defs": {"Point": point},
            "additionalProperties": False,
            "properties": {
                "start": {"$ref": "#/$defs/Point"},
                "end": {"$ref": "#/$defs/Point", "description": "Where to."},
                "day": {"default": "2026-01-02", "format": "date", "title": "Day", "type": "string"},
            },
            "required": ["start", "end"],
            "title": "measure",
            "type": "object",
        },
        "params_schema": None,
        "output_schema": {"additionalProperties": {"type": "number"}, "type": "object"},
    }


def test_schemas_come_in_order_and_cannot_be_changed() -> None:
    """As the tools were made; a schema is frozen, and `to_dict` is a copy."""
    assert [schema.name for schema in tools.schemas()] == ["draw", "distance", "listed", "untyped"]
    schema = schema_of("draw")
    with pytest.raises(FrozenInstanceError):
        schema.name = "other"  # type: ignore[misc] # pyright: ignore[reportAttributeAccessIssue]
    copy: Any = schema.to_dict()
    copy["input_schema"]["properties"].clear()
    assert schema_of("draw").to_dict() != copy


def test_a_model_is_an_object_at_the_top_even_if_it_contains_itself() -> None:
    """What reads tool schemas looks for `type` and `properties`, not for a reference."""
    schema = schema_of("draw").input_schema
    assert (schema["type"], schema["required"], schema["description"]) == (
        "object",
        ["value"],
        "A value and what hangs from it.",
    )


def test_no_annotation_promises_nothing() -> None:
    """A tool without a return annotation may give any JSON."""
    assert schema_of("untyped").output_schema == {}


def fits(value: object, schema: JsonObject) -> bool:
    """Whether another implementation of JSON Schema finds the schema well-formed and the value valid."""
    validator: Any = jsonschema.Draft202012Validator
    validator.check_schema(schema)
    return bool(validator(schema).is_valid(value))


CALLS: list[tuple[str, Any, bool]] = [
    ("draw", {"value": 1, "children": [{"value": 2}], "params": {"scale": 1}}, True),
    ("draw", {"value": 1, "params": {"scale": 2.5, "origin": {"at": {"x": 1}}}}, True),
    ("draw", {"value": 1}, False),
    ("draw", {"value": 1, "params": {"scale": 0}}, False),
    ("draw", {"value": 1, "params": {"scale": 1, "origin": {"at": {}}}}, False),
    ("draw", {"value": 1, "children": [{}], "params": {"scale": 1}}, False),
    ("distance", {"start": {"x": 1}, "end": {"x": 3}}, True),
    ("distance", {"start": {"x": 1}, "end": {"x": 3}, "params": {}}, False),
    ("distance", {"start": {"x": 1}}, False),
    ("listed", {}, True),
    ("listed", {"params": {"limit": 3}}, True),
    ("listed", {"limit": 3}, False),
    ("untyped", {}, True),
]


@pytest.mark.parametrize(("name", "arguments", "valid"), CALLS)
async def test_the_call_schema_allows_what_answer_takes(name: str, arguments: Any, valid: bool) -> None:
    """One object of arguments is valid by `call_schema` exactly if the tool runs, and its output by `output_schema`."""
    schema = schema_of(name)
    assert fits(arguments, schema.call_schema) == valid
    result = await tools.answer(tool_call(name, arguments))
    assert (result.error is None) == valid
    if valid:
        assert fits(result.output, schema.output_schema)


def test_the_call_schema_is_the_input_schema_where_there_are_no_parameters() -> None:
    """Nothing is added for a tool without parameters."""
    assert schema_of("distance").call_schema == schema_of("distance").input_schema


def test_policies_have_no_schema() -> None:
    """What the backend runs is described by the backend."""
    own = Toolbox()
    own.approve("run_job")(allow)
    assert own.schemas() == []


def allow(call: ToolCall) -> bool:
    """A policy."""
    return call.read_only is True
