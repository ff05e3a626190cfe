"""What every event is: a frozen model of one chunk, that can be turned back into that chunk."""

from collections.abc import Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from kai_client._wire import read_leniently, to_wire
from kai_client.types import JsonObject

__all__ = ["BaseSSEEvent", "ChunkEvent"]


class BaseSSEEvent(
    BaseModel,
    # As keywords, for type checkers: to them the events are frozen, too.
    frozen=True,
    alias_generator=to_camel,
    populate_by_name=True,
    extra="allow",
    defer_build=True,
):
    """One chunk of a stream. Frozen; unknown fields of the chunk are kept as attributes.

    `type` is the documented event name, which is not always the chunk's own (`text-delta` arrives as `text`); `chunk_type`
    is the chunk's.
    """

    chunk_type: ClassVar[str] = ""
    wire_names: ClassVar[Mapping[str, str]] = {}
    """Where the wire's field has another name than ours: wire name -> field name."""

    type: str

    @classmethod
    def from_chunk(cls, chunk: Mapping[str, Any]) -> Self:
        """The event for a chunk of this class's type. Raises `ValueError` when a required field is missing or unreadable."""
        fields = {**chunk, "type": cls.model_fields["type"].default}  # the chunk's name for it may be another
        for wire, name in cls.wire_names.items():
            if wire in fields:
                fields[name] = fields.pop(wire)
        return read_leniently(cls, fields)

    def to_chunk(self) -> JsonObject:
        """The chunk as it travels: wire names, only the fields that were set, `type` first."""
        wire = {field: name for name, field in self.wire_names.items()}
        fields = {wire.get(key, key): value for key, value in to_wire(self).items() if key != "type"}
        return {"type": self.chunk_type or self.type, **fields}


class ChunkEvent(BaseSSEEvent, frozen=True):
    """A chunk that kai-client 0.12 did not know and delivered as `UnknownEvent`."""

    @property
    def data(self) -> JsonObject:
        """The raw chunk, where scripts written for 0.12 look for it. The typed fields say the same."""
        return self.to_chunk()
