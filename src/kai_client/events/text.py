"""Text and reasoning, as it is written."""

from collections.abc import Mapping
from typing import ClassVar, Literal

from kai_client.types import Json, ProviderMetadata

from .base import BaseSSEEvent, ChunkEvent

__all__ = [
    "ReasoningDeltaEvent",
    "ReasoningEndEvent",
    "ReasoningEvent",
    "ReasoningPartFinishEvent",
    "ReasoningStartEvent",
    "TextDeltaEvent",
    "TextEndEvent",
    "TextEvent",
    "TextStartEvent",
]


class TextEvent(BaseSSEEvent, frozen=True):
    """A piece of the answer's text. This class itself is the legacy `text` chunk; `TextDeltaEvent` is the usual one."""

    chunk_type: ClassVar[str] = "text"
    type: Literal["text"] = "text"
    text: str
    state: str | None = None


class TextDeltaEvent(TextEvent, frozen=True):
    """`text-delta`: a piece of the text part `id`. Ids restart in every step."""

    chunk_type: ClassVar[str] = "text-delta"
    wire_names: ClassVar[Mapping[str, str]] = {"delta": "text"}
    id: str = ""
    provider_metadata: ProviderMetadata | None = None


class TextStartEvent(ChunkEvent, frozen=True):
    """`text-start`: a text part begins."""

    chunk_type: ClassVar[str] = "text-start"
    type: Literal["text-start"] = "text-start"
    id: str
    provider_metadata: ProviderMetadata | None = None


class TextEndEvent(ChunkEvent, frozen=True):
    """`text-end`: the text part is complete; `citations` since AI SDK 7.0.138."""

    chunk_type: ClassVar[str] = "text-end"
    type: Literal["text-end"] = "text-end"
    id: str
    provider_metadata: ProviderMetadata | None = None
    citations: list[Json] | None = None


class ReasoningStartEvent(ChunkEvent, frozen=True):
    """`reasoning-start`: the model begins to think aloud."""

    chunk_type: ClassVar[str] = "reasoning-start"
    type: Literal["reasoning-start"] = "reasoning-start"
    id: str
    provider_metadata: ProviderMetadata | None = None


class ReasoningDeltaEvent(ChunkEvent, frozen=True):
    """`reasoning-delta`: a piece of the reasoning part `id`."""

    chunk_type: ClassVar[str] = "reasoning-delta"
    type: Literal["reasoning-delta"] = "reasoning-delta"
    id: str
    delta: str
    provider_metadata: ProviderMetadata | None = None


class ReasoningEndEvent(ChunkEvent, frozen=True):
    """`reasoning-end`: the reasoning part is complete."""

    chunk_type: ClassVar[str] = "reasoning-end"
    type: Literal["reasoning-end"] = "reasoning-end"
    id: str
    provider_metadata: ProviderMetadata | None = None


class ReasoningEvent(ChunkEvent, frozen=True):
    """`reasoning`: a whole piece of reasoning, of AI SDK 5.0.0 to 5.0.51."""

    chunk_type: ClassVar[str] = "reasoning"
    type: Literal["reasoning"] = "reasoning"
    text: str
    provider_metadata: ProviderMetadata | None = None


class ReasoningPartFinishEvent(ChunkEvent, frozen=True):
    """`reasoning-part-finish`, of AI SDK 5.0.0 to 5.0.51."""

    chunk_type: ClassVar[str] = "reasoning-part-finish"
    type: Literal["reasoning-part-finish"] = "reasoning-part-finish"
