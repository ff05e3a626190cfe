"""What a tool tells about itself: JSON Schemas of what goes in and what comes out."""

from copy import deepcopy
from dataclasses import asdict, dataclass
from typing import Any, Literal

from pydantic import JsonValue, TypeAdapter

from kai_client._wire import is_array, is_object
from kai_client.types import JsonObject

from .arguments import PARAMS, refused_by_pydantic

__all__ = ["ToolSchema", "json_schema"]


@dataclass(frozen=True, slots=True)
class ToolSchema:
    """A tool as its callers know it; the schemas are JSON Schema, draft 2020-12."""

    name: str
    description: str
    input_schema: JsonObject
    params_schema: JsonObject | None
    """The settings beside the input; None for a tool that has none."""
    output_schema: JsonObject

    def to_dict(self) -> JsonObject:
        """All of it as one JSON object, a copy."""
        return asdict(self)

    @property
    def call_schema(self) -> JsonObject:
        """The input with the parameters under its key `params`: for callers that give one object, as models do."""
        schema = deepcopy(self.input_schema)
        if not self._takes_params or self.params_schema is None:
            return schema
        properties, required = schema.get("properties"), schema.get("required")
        # Definitions stay below `params`: two models of the same name do not meet.
        params = _moved(self.params_schema, f"#/properties/{PARAMS}")
        schema["properties"] = {**properties, PARAMS: params} if is_object(properties) else {PARAMS: params}
        if self.params_schema.get("required"):
            schema["required"] = [*(required if is_array(required) else []), PARAMS]
        return schema

    def split(self, arguments: JsonValue) -> tuple[JsonValue, JsonValue]:
        """What came by `call_schema` as the input and the parameters, for `execute`; neither is validated yet."""
        if not is_object(arguments) or not self._takes_params:
            return arguments, None
        return {key: value for key, value in arguments.items() if key != PARAMS}, arguments.get(PARAMS)

    @property
    def _takes_params(self) -> bool:
        properties = self.input_schema.get("properties")
        return self.params_schema is not None and not (is_object(properties) and PARAMS in properties)


def json_schema(adapter: TypeAdapter[Any], function: str, mode: Literal["validation", "serialization"]) -> JsonObject:
    """The schema of a type, the properties of an object at its top. Raises `TypeError` where JSON cannot say the type."""
    with refused_by_pydantic(function):
        schema = adapter.json_schema(mode=mode)
    # A model that contains itself is a reference to one of its definitions; tool interfaces want to see an object.
    name = str(schema.pop("$ref", "")).removeprefix("#/$defs/")
    return {**schema["$defs"][name], **schema} if name else schema


def _moved(schema: JsonValue, place: str) -> JsonValue:
    """A schema that stands at `place` of another one, its references adjusted."""
    if isinstance(schema, str):
        return f"{place}{schema[1:]}" if schema.startswith("#/$defs/") else schema
    if is_array(schema):
        return [_moved(each, place) for each in schema]
    if is_object(schema):
        return {key: _moved(value, place) for key, value in schema.items()}
    return schema
