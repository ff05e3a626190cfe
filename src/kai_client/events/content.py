"""What an answer carries besides text and tool calls: sources, files, data parts, provider specials."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

from pydantic import Field, StrictBool

from kai_client._wire import read_leniently
from kai_client.types import Json, JsonObject, ProviderMetadata

from .base import BaseSSEEvent, ChunkEvent

__all__ = [
    "CustomEvent",
    "DataEvent",
    "FileEvent",
    "ReasoningFileEvent",
    "SourceDocumentEvent",
    "SourceUrlEvent",
    "SteeringMessageEvent",
    "UnknownEvent",
]


class SourceUrlEvent(ChunkEvent, frozen=True):
    """`source-url`: a web page that the answer rests on."""

    chunk_type: ClassVar[str] = "source-url"
    type: Literal["source-url"] = "source-url"
    source_id: str
    url: str
    title: str | None = None
    provider_metadata: ProviderMetadata | None = None


class SourceDocumentEvent(ChunkEvent, frozen=True):
    """`source-document`: a document that the answer rests on."""

    chunk_type: ClassVar[str] = "source-document"
    type: Literal["source-document"] = "source-document"
    source_id: str
    media_type: str
    title: str
    filename: str | None = None
    provider_metadata: ProviderMetadata | None = None


class FileEvent(ChunkEvent, frozen=True):
    """`file`: a file that the model made; `url` is often a `data:` URL."""

    chunk_type: ClassVar[str] = "file"
    type: Literal["file"] = "file"
    url: str
    media_type: str
    provider_metadata: ProviderMetadata | None = None


class ReasoningFileEvent(ChunkEvent, frozen=True):
    """`reasoning-file`: a file that belongs to the reasoning (AI SDK 7)."""

    chunk_type: ClassVar[str] = "reasoning-file"
    type: Literal["reasoning-file"] = "reasoning-file"
    url: str
    media_type: str
    provider_metadata: ProviderMetadata | None = None


class CustomEvent(ChunkEvent, frozen=True):
    """`custom`: a provider's own kind of part, `kind` being `provider.kind` (AI SDK 7)."""

    chunk_type: ClassVar[str] = "custom"
    type: Literal["custom"] = "custom"
    kind: str
    provider_metadata: ProviderMetadata | None = None


class SteeringMessageEvent(ChunkEvent, frozen=True):
    """`steering-message`: what the user said while the model was answering (AI SDK 7, experimental)."""

    chunk_type: ClassVar[str] = "steering-message"
    type: Literal["steering-message"] = "steering-message"
    id: str
    parts: list[Json]


class DataEvent(BaseSSEEvent, frozen=True):
    """`data-<name>`: the application's own data. `data` is its payload, any JSON; `type` keeps the whole name.

    A later event with the same `type` and `id` replaces this one; a `transient` one is no part of the message.
    """

    type: str
    data: Json = None
    id: str | None = None
    transient: StrictBool | None = None

    if TYPE_CHECKING:
        # Unknown fields are attributes. Saying so also lets `match event.type` narrow the closed event classes.
        def __getattr__(self, name: str) -> Any: ...

    @property
    def name(self) -> str:
        """The part of `type` after `data-`."""
        return self.type.removeprefix("data-")

    @classmethod
    def from_chunk(cls, chunk: Mapping[str, Any]) -> Self:
        """The event for a `data-*` chunk, whose type is part of what it says."""
        return read_leniently(cls, chunk)


class UnknownEvent(BaseSSEEvent, frozen=True):
    """A chunk of a type that this version does not know: `data` is the raw chunk, `type` its type."""

    type: str
    data: dict[str, Json] = Field(default_factory=dict[str, Json])

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...

    @classmethod
    def from_chunk(cls, chunk: Mapping[str, Any]) -> Self:
        """The event for any JSON object, with or without a usable type."""
        kind = chunk.get("type")
        return cls(type=kind if isinstance(kind, str) else "unknown", data=dict(chunk))

    def to_chunk(self) -> JsonObject:
        """The raw chunk."""
        return {"type": self.type, **self.data}
