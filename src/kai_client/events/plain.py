"""Plain chunks, read straight from their JSON text in one step.

A plain chunk goes through pydantic's own validator in C, without a Python object in between. What is accepted is no more
than the form that the AI SDK writes: its own fields, each of the right type. Everything else is refused and left to
`event_from_chunk`, which is liberal; what both accept gives equal events.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Final, TypeAlias

from pydantic import StrictBool, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import CoreSchema, SchemaValidator, core_schema

from kai_client.types import Json

from . import EVENT_CLASSES, SSEEvent
from .lifecycle import AbortEvent, ErrorEvent, FinishEvent, UsageEvent

__all__ = ["NotPlainError", "Reader", "delta_reader", "plain_reader"]

Reader: TypeAlias = Callable[[bytes], SSEEvent]
"""Makes an event of a plain chunk's JSON text, or raises `NotPlainError`."""

NotPlainError: Final = ValidationError

_DELTAS: Final = ("text-delta", "reasoning-delta", "tool-input-delta")
"""What a stream consists of nearly whole."""

_MORE: Final = (UsageEvent, ErrorEvent, FinishEvent, AbortEvent)
"""What is made of more than its fields, or says more than they do: that an answer is over."""

_MaybeFlag: TypeAlias = StrictBool | None

_TEXT: Final = core_schema.str_schema(strict=True)
_FLAG: Final = core_schema.bool_schema(strict=True)
_ANY: Final = core_schema.any_schema()
_NOTHING: Final = core_schema.literal_schema([object()])
"""No JSON value is this one."""

_TEXTS: Final[list[tuple[object, CoreSchema]]] = [
    (str, _TEXT),
    (str | None, core_schema.nullable_schema(_TEXT)),
    (StrictBool, _FLAG),
    (_MaybeFlag, core_schema.nullable_schema(_FLAG)),
]
"""The types of fields that are read; one of any other type must be absent."""

_VALUES: Final[list[tuple[object, CoreSchema]]] = [
    (Json, _ANY),
    (list[Json], core_schema.list_schema(_ANY)),
    (list[Json] | None, core_schema.nullable_schema(core_schema.list_schema(_ANY))),
    (dict[str, Json] | None, core_schema.nullable_schema(core_schema.dict_schema(_TEXT, _ANY))),
]
"""Those in which there can be numbers: what is none, `NaN` and `Infinity`, would not be refused."""


@cache
def delta_reader() -> Reader:
    """A reader of plain deltas."""
    return _reader({kind: EVENT_CLASSES[kind] for kind in _DELTAS}, _TEXTS)


@cache
def plain_reader() -> Reader:
    """A reader of all plain chunks, but for four types; not to be given texts with `NaN` or `Infinity` in them."""
    return _reader({kind: event for kind, event in EVENT_CLASSES.items() if event not in _MORE}, [*_TEXTS, *_VALUES])


def _reader(events: Mapping[str, type[SSEEvent]], schemas: Sequence[tuple[object, CoreSchema]]) -> Reader:
    by_type: dict[Any, CoreSchema] = {kind: _event(kind, event, schemas) for kind, event in events.items()}
    schema = core_schema.tagged_union_schema(by_type, discriminator="type")
    try:
        # Else a class that pydantic has built meanwhile would be read as that says: liberally, and under its own type.
        return SchemaValidator(schema, None, _use_prebuilt=False).validate_json
    except TypeError:  # an older pydantic: some are refused then, and read like everything else
        return SchemaValidator(schema).validate_json


def _event(kind: str, event: type[SSEEvent], schemas: Sequence[tuple[object, CoreSchema]]) -> CoreSchema:
    wire = {name: wire_name for wire_name, name in event.wire_names.items()}
    fields = {
        name: core_schema.model_field(
            _type(kind, info.default) if name == "type" else _value(info, schemas),
            validation_alias=wire.get(name, info.alias),
        )
        for name, info in event.model_fields.items()
    }
    return core_schema.model_schema(
        event, core_schema.model_fields_schema(fields, extra_behavior="allow", extras_schema=_NOTHING)
    )


def _type(kind: str, name: str) -> CoreSchema:
    """The union has read it; an event's own name may be another."""
    if kind == name:
        return core_schema.literal_schema([kind])
    return core_schema.no_info_plain_validator_function({kind: name}.__getitem__)


def _value(info: FieldInfo, schemas: Sequence[tuple[object, CoreSchema]]) -> CoreSchema:
    schema = next((schema for kind, schema in schemas if kind == info.rebuild_annotation()), _NOTHING)
    return schema if info.is_required() else core_schema.with_default_schema(schema, default=info.default)
