"""Events in, one answer out: text, tool calls, usage, and the message they make. Pure, and linear in what arrives."""

from kai_client._text import TextBuffer
from kai_client.events import (
    AbortEvent,
    DataEvent,
    ErrorEvent,
    FileEvent,
    FinishEvent,
    FinishStepEvent,
    MessageMetadataEvent,
    ReasoningDeltaEvent,
    ReasoningEvent,
    ResetStepEvent,
    SourceDocumentEvent,
    SourceUrlEvent,
    SSEEvent,
    StartEvent,
    StepStartEvent,
    TextEvent,
    ToolCallEvent,
    UsageEvent,
    UsageInfo,
)
from kai_client.models import Message
from kai_client.types import Json, JsonObject

from .calls import ToolCalls
from .metadata import merge_metadata
from .parts import MessageParts
from .usage import UsageTally

__all__ = ["Accumulator"]


class Accumulator:
    """What an answer amounts to so far. Everything it returns is a snapshot that later events do not change."""

    def __init__(self) -> None:
        self._text = TextBuffer()
        self._reasoning = TextBuffer()
        self._step_marks = ("", "")
        self._calls = ToolCalls()
        self._parts = MessageParts()
        self._usage = UsageTally()
        self._data: dict[tuple[str, str | int], DataEvent] = {}
        self._message_id = ""
        self._metadata: Json = None
        self.sources: list[SourceUrlEvent | SourceDocumentEvent] = []
        self.files: list[FileEvent] = []
        self.errors: list[ErrorEvent] = []
        self.finish: FinishEvent | None = None
        self.abort: AbortEvent | None = None

    def apply(self, event: SSEEvent) -> None:
        """Fold one event in. It never raises: what does not fit makes an implicit part."""
        self._calls.apply(event)
        self._parts.apply(event)
        self._note(event)

    def _note(self, event: SSEEvent) -> None:
        match event:
            case TextEvent():
                self._text.append(event.text)
            case ReasoningDeltaEvent(delta=piece) | ReasoningEvent(text=piece):
                self._reasoning.append(piece)
            case StepStartEvent():
                self._step_marks = (str(self._text), str(self._reasoning))
            case ResetStepEvent():
                text, reasoning = self._step_marks
                self._text, self._reasoning = TextBuffer(text), TextBuffer(reasoning)
            case SourceUrlEvent() | SourceDocumentEvent():
                self.sources.append(event)
            case FileEvent():
                self.files.append(event)
            case DataEvent():
                self._note_data(event)
            case UsageEvent() | FinishStepEvent():
                self._usage.add(event)
            case _:
                self._note_frame(event)

    def _note_frame(self, event: SSEEvent) -> None:
        match event:
            case StartEvent():
                self._message_id = event.message_id or self._message_id
                self._metadata = merge_metadata(self._metadata, event.message_metadata)
            case MessageMetadataEvent():
                self._metadata = merge_metadata(self._metadata, event.message_metadata)
            case FinishEvent():
                self.finish = event
                self._usage.add(event)
                self._metadata = merge_metadata(self._metadata, event.message_metadata)
            case AbortEvent():
                self.abort = event
            case ErrorEvent():
                self.errors.append(event)
            case _:
                pass

    def _note_data(self, event: DataEvent) -> None:
        """Non-transient data, a later one of the same type and id in the place of the earlier (protocol 5.3)."""
        if not event.transient:
            self._data[event.type, len(self._data) if event.id is None else event.id] = event

    @property
    def text(self) -> str:
        """The text of all text events, in order."""
        return str(self._text)

    @property
    def reasoning(self) -> str:
        """The reasoning, in order."""
        return str(self._reasoning)

    @property
    def tool_calls(self) -> dict[str, ToolCallEvent]:
        """The last state of each call by its id."""
        return self._calls.snapshot()

    @property
    def data(self) -> list[DataEvent]:
        """The data parts that stay."""
        return list(self._data.values())

    @property
    def usage(self) -> UsageInfo:
        """Token counts, each counted once."""
        return self._usage.total()

    @property
    def metadata(self) -> Json:
        """The message's metadata, merged; None if there was none."""
        return self._metadata

    def message(self) -> Message:
        """The assistant message as the backend would store it."""
        metadata: JsonObject | None = self._metadata if isinstance(self._metadata, dict) else None
        return Message(id=self._message_id, role="assistant", parts=self._parts.snapshot(), metadata=metadata)
