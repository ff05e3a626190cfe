"""The frame around the content: start, steps, usage, and the ways an answer ends."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import StrictBool

from kai_client._wire import WireModel
from kai_client.types import Json

from .base import BaseSSEEvent, ChunkEvent

__all__ = [
    "AbortEvent",
    "ErrorEvent",
    "FinishEvent",
    "FinishStepEvent",
    "MessageMetadataEvent",
    "ResetStepEvent",
    "StartEvent",
    "StepEndEvent",
    "StepStartEvent",
    "UsageEvent",
    "UsageInfo",
]


class UsageInfo(WireModel):
    """Token counts; a count that the backend leaves out or sends as null is 0."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    total_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0


class StartEvent(ChunkEvent, frozen=True):
    """`start`: the answer begins; `message_id` is the assistant message's id."""

    chunk_type: ClassVar[str] = "start"
    type: Literal["start"] = "start"
    message_id: str | None = None
    message_metadata: Json = None


class StepStartEvent(BaseSSEEvent, frozen=True):
    """`start-step` (legacy `step-start`): one call of the model begins."""

    chunk_type: ClassVar[str] = "start-step"
    type: Literal["step-start"] = "step-start"


class FinishStepEvent(ChunkEvent, frozen=True):
    """`finish-step`: one call of the model is over; the answer usually is not. Legacy backends add a reason and usage."""

    chunk_type: ClassVar[str] = "finish-step"
    type: Literal["finish-step"] = "finish-step"
    finish_reason: str | None = None
    usage: UsageInfo | None = None


class StepEndEvent(ChunkEvent, frozen=True):
    """`step-end`: the legacy shape of `finish-step` (protocol 4.5)."""

    chunk_type: ClassVar[str] = "step-end"
    type: Literal["step-end"] = "step-end"


class ResetStepEvent(ChunkEvent, frozen=True):
    """`reset-step`: what the current step has said so far is void, the model tries again (AI SDK 7)."""

    chunk_type: ClassVar[str] = "reset-step"
    type: Literal["reset-step"] = "reset-step"


class MessageMetadataEvent(ChunkEvent, frozen=True):
    """`message-metadata`: to be merged deeply into the message's metadata."""

    chunk_type: ClassVar[str] = "message-metadata"
    type: Literal["message-metadata"] = "message-metadata"
    message_metadata: Json = None


class UsageEvent(BaseSSEEvent, frozen=True):
    """`data-usage`: token counts. Kai sends it beside the answer, also after `finish`."""

    chunk_type: ClassVar[str] = "data-usage"
    wire_names: ClassVar[Mapping[str, str]] = {"data": "usage"}
    type: Literal["data-usage"] = "data-usage"
    usage: UsageInfo
    id: str | None = None
    transient: StrictBool | None = None

    @classmethod
    def from_chunk(cls, chunk: Mapping[str, Any]) -> Self:
        """The event for a `data-usage` chunk; counts that are no object are none."""
        usage = chunk.get("data", chunk.get("usage"))
        return super().from_chunk({**chunk, "data": usage if isinstance(usage, dict) else {}})


class FinishEvent(BaseSSEEvent, frozen=True):
    """`finish`: the answer is complete. `finish_reason` is `stop` where the backend does not say."""

    chunk_type: ClassVar[str] = "finish"
    type: Literal["finish"] = "finish"
    finish_reason: str = "stop"
    usage: UsageInfo | None = None
    message_metadata: Json = None


class AbortEvent(ChunkEvent, frozen=True):
    """`abort`: the backend stopped in the middle; what has arrived is not a whole answer."""

    chunk_type: ClassVar[str] = "abort"
    type: Literal["abort"] = "abort"
    reason: str | None = None


class ErrorEvent(BaseSSEEvent, frozen=True):
    """`error`: the answer failed. `message` is `errorText`, or the legacy `message`; `code` only legacy backends send."""

    chunk_type: ClassVar[str] = "error"
    wire_names: ClassVar[Mapping[str, str]] = {"errorText": "message"}
    type: Literal["error"] = "error"
    message: str
    code: str | None = None

    @classmethod
    def from_chunk(cls, chunk: Mapping[str, Any]) -> Self:
        """The event for an `error` chunk, which is never refused: an unreadable error is still an error."""
        texts = (chunk.get("errorText"), chunk.get("message"), "Unknown error")
        message = next(text for text in texts if isinstance(text, str) and text)
        rest = {key: value for key, value in chunk.items() if key not in {"errorText", "message"}}
        return super().from_chunk({**rest, "message": message})
