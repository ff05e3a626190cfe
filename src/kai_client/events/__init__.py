"""The events of a chat stream: one frozen class per chunk type, their union, and the one table that maps chunk to class.

Chunk types are those of the AI SDK 5, 6 and 7 (protocol 4.3), of Kai itself (4.4) and the legacy ones (4.5). A chunk of any
other type becomes an `UnknownEvent`: new backends must not break old clients.
"""

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from .base import BaseSSEEvent, ChunkEvent
from .content import (
    CustomEvent,
    DataEvent,
    FileEvent,
    ReasoningFileEvent,
    SourceDocumentEvent,
    SourceUrlEvent,
    SteeringMessageEvent,
    UnknownEvent,
)
from .lifecycle import (
    AbortEvent,
    ErrorEvent,
    FinishEvent,
    FinishStepEvent,
    MessageMetadataEvent,
    ResetStepEvent,
    StartEvent,
    StepEndEvent,
    StepStartEvent,
    UsageEvent,
    UsageInfo,
)
from .text import (
    ReasoningDeltaEvent,
    ReasoningEndEvent,
    ReasoningEvent,
    ReasoningPartFinishEvent,
    ReasoningStartEvent,
    TextDeltaEvent,
    TextEndEvent,
    TextEvent,
    TextStartEvent,
)
from .tools import (
    ToolApproval,
    ToolApprovalRequestEvent,
    ToolApprovalResponseEvent,
    ToolCallEvent,
    ToolInputAvailableEvent,
    ToolInputDeltaEvent,
    ToolInputErrorEvent,
    ToolInputStartEvent,
    ToolOutputAvailableEvent,
    ToolOutputDeniedEvent,
    ToolOutputErrorEvent,
)

SSEEvent: TypeAlias = (
    TextEvent
    | TextDeltaEvent
    | TextStartEvent
    | TextEndEvent
    | ReasoningStartEvent
    | ReasoningDeltaEvent
    | ReasoningEndEvent
    | ReasoningEvent
    | ReasoningPartFinishEvent
    | ReasoningFileEvent
    | ToolCallEvent
    | ToolInputStartEvent
    | ToolInputDeltaEvent
    | ToolInputAvailableEvent
    | ToolInputErrorEvent
    | ToolApprovalRequestEvent
    | ToolApprovalResponseEvent
    | ToolOutputAvailableEvent
    | ToolOutputErrorEvent
    | ToolOutputDeniedEvent
    | SourceUrlEvent
    | SourceDocumentEvent
    | FileEvent
    | CustomEvent
    | SteeringMessageEvent
    | StartEvent
    | StepStartEvent
    | FinishStepEvent
    | StepEndEvent
    | ResetStepEvent
    | MessageMetadataEvent
    | UsageEvent
    | FinishEvent
    | AbortEvent
    | ErrorEvent
    | DataEvent
    | UnknownEvent
)
"""Every event that a stream can yield. `isinstance` and `match event.type` narrow it."""

_CLOSED: Final[tuple[type[SSEEvent], ...]] = (
    TextEvent,
    TextDeltaEvent,
    TextStartEvent,
    TextEndEvent,
    ReasoningStartEvent,
    ReasoningDeltaEvent,
    ReasoningEndEvent,
    ReasoningEvent,
    ReasoningPartFinishEvent,
    ReasoningFileEvent,
    ToolCallEvent,
    ToolInputStartEvent,
    ToolInputDeltaEvent,
    ToolInputAvailableEvent,
    ToolInputErrorEvent,
    ToolApprovalRequestEvent,
    ToolApprovalResponseEvent,
    ToolOutputAvailableEvent,
    ToolOutputErrorEvent,
    ToolOutputDeniedEvent,
    SourceUrlEvent,
    SourceDocumentEvent,
    FileEvent,
    CustomEvent,
    SteeringMessageEvent,
    StartEvent,
    StepStartEvent,
    FinishStepEvent,
    StepEndEvent,
    ResetStepEvent,
    MessageMetadataEvent,
    UsageEvent,
    FinishEvent,
    AbortEvent,
    ErrorEvent,
)

EVENT_CLASSES: Final[Mapping[str, type[SSEEvent]]] = {
    **{event.chunk_type: event for event in _CLOSED},
    "step-start": StepStartEvent,  # the legacy name of start-step
}
"""The class of each chunk type that has one of its own."""


def event_from_chunk(chunk: Mapping[str, Any]) -> SSEEvent:
    """The event for a decoded chunk.

    Raises `ValueError`, naming the fields but not their values, when a chunk of a known type lacks what makes it one.
    """
    kind = chunk.get("type")
    if isinstance(kind, str):
        if (found := EVENT_CLASSES.get(kind)) is not None:
            return found.from_chunk(chunk)
        if kind.startswith("data-"):
            return DataEvent.from_chunk(chunk)
    return UnknownEvent.from_chunk(chunk)


__all__ = [
    "EVENT_CLASSES",
    "AbortEvent",
    "BaseSSEEvent",
    "ChunkEvent",
    "CustomEvent",
    "DataEvent",
    "ErrorEvent",
    "FileEvent",
    "FinishEvent",
    "FinishStepEvent",
    "MessageMetadataEvent",
    "ReasoningDeltaEvent",
    "ReasoningEndEvent",
    "ReasoningEvent",
    "ReasoningFileEvent",
    "ReasoningPartFinishEvent",
    "ReasoningStartEvent",
    "ResetStepEvent",
    "SSEEvent",
    "SourceDocumentEvent",
    "SourceUrlEvent",
    "StartEvent",
    "SteeringMessageEvent",
    "StepEndEvent",
    "StepStartEvent",
    "TextDeltaEvent",
    "TextEndEvent",
    "TextEvent",
    "TextStartEvent",
    "ToolApproval",
    "ToolApprovalRequestEvent",
    "ToolApprovalResponseEvent",
    "ToolCallEvent",
    "ToolInputAvailableEvent",
    "ToolInputDeltaEvent",
    "ToolInputErrorEvent",
    "ToolInputStartEvent",
    "ToolOutputAvailableEvent",
    "ToolOutputDeniedEvent",
    "ToolOutputErrorEvent",
    "UnknownEvent",
    "UsageEvent",
    "UsageInfo",
    "event_from_chunk",
]
