"""Events in, one answer out: text, tool calls, usage, and the message they make. Pure, and linear in what arrives."""

from collections.abc import Iterable
from typing import Final

from kai_client.events import (
    AbortEvent,
    DataEvent,
    ErrorEvent,
    FileEvent,
    FinishEvent,
    FinishStepEvent,
    SourceDocumentEvent,
    SourceUrlEvent,
    SSEEvent,
    StartEvent,
    ToolCallEvent,
    UsageEvent,
    UsageInfo,
    event_from_chunk,
)
from kai_client.message import (
    DataUIPart,
    FileUIPart,
    ReasoningUIPart,
    SourceDocumentUIPart,
    SourceUrlUIPart,
    TextUIPart,
    UIMessage,
    UIPart,
)
from kai_client.types import Json

from .calls import ToolCalls
from .reducer import MessageReducer
from .runs import Run
from .usage import UsageTally

__all__ = ["Accumulator", "Run"]

_ABOUT_THE_ANSWER: Final = frozenset({StartEvent, UsageEvent, FinishStepEvent, FinishEvent, AbortEvent, ErrorEvent})
"""What says more than the message shows."""


class Accumulator:
    """What an answer amounts to so far. Everything it returns is a snapshot that later events do not change.

    `message` is the last message: one of the assistant goes on. `strict` refuses what the AI SDK refuses.
    """

    def __init__(self, message: UIMessage | None = None, *, strict: bool = False) -> None:
        self._message = MessageReducer(message, strict=strict)
        self._begin()

    def _begin(self) -> None:
        self._calls = ToolCalls()
        self._usage = UsageTally()
        self.errors: list[ErrorEvent] = []
        self.finish: FinishEvent | None = None
        self.abort: AbortEvent | None = None

    def apply(self, event: SSEEvent) -> bool:
        """Fold one event in; whether the message changed. Strict: `KaiStreamError` for what the AI SDK refuses."""
        if type(event) not in _ABOUT_THE_ANSWER:
            return self._message.apply(event)
        if isinstance(event, StartEvent) and self._is_another_message(event):
            self._begin()
        changed = self._message.apply(event)
        self._note(event)
        return changed

    def apply_all(self, events: Iterable[Run | SSEEvent]) -> bool:
        """Fold events in as `apply` does, and runs of them in one step; whether the last changed the message."""
        changed = False
        for each in events:
            if isinstance(each, Run):
                self._message.grow(each)
                changed = True
            else:
                changed = self.apply(each)
        return changed

    def go_on(self) -> None:
        """Another response continues the answer: its end is open again, and what was used so far counts."""
        self.finish = None
        self._usage.settle()

    def going_on(self, event: StartEvent) -> StartEvent:
        """The `start` of a response that continues the answer, so that it does not begin a new message.

        The oldest backends answer a decision in a message of its own (protocol 2.4); to the reader it is one that grows. A
        message without an id takes that of its continuation.
        """
        self._message.message_id = self._message.message_id or event.message_id or ""
        return event.model_copy(update={"message_id": None})

    def _is_another_message(self, event: StartEvent) -> bool:
        """Where the message starts anew (protocol 5.7), so does all that was collected of it."""
        return event.message_id is not None and self._message.message_id not in {"", event.message_id}

    def _note(self, event: SSEEvent) -> None:
        match event:
            case UsageEvent() | FinishStepEvent():
                self._usage.add(event)
            case FinishEvent():
                self.finish = event
                self._usage.add(event)
            case AbortEvent():
                self.abort = event
            case ErrorEvent():
                self.errors.append(event)
            case _:
                pass

    @property
    def text(self) -> str:
        """The text of this stream's text parts, in order; a message that goes on had its own before."""
        return "".join(part.text for part in self._new_parts() if isinstance(part, TextUIPart))

    @property
    def reasoning(self) -> str:
        """The reasoning of this stream, in order."""
        return "".join(part.text for part in self._new_parts() if isinstance(part, ReasoningUIPart))

    @property
    def tool_calls(self) -> dict[str, ToolCallEvent]:
        """The last state of each call by its id, those of a message that goes on included."""
        return self._calls.of(self._message.parts)

    @property
    def sources(self) -> list[SourceUrlEvent | SourceDocumentEvent]:
        """The sources of this stream, in order."""
        events = self._new_events()
        return [event for event in events if isinstance(event, SourceUrlEvent | SourceDocumentEvent)]

    @property
    def files(self) -> list[FileEvent]:
        """The files of this stream, in order."""
        return [event for event in self._new_events() if isinstance(event, FileEvent)]

    @property
    def data(self) -> list[DataEvent]:
        """The data parts of this stream, a later one in the place of the earlier with its type and id."""
        return [event for event in self._new_events() if isinstance(event, DataEvent)]

    @property
    def usage(self) -> UsageInfo:
        """Token counts, each counted once."""
        return self._usage.total()

    @property
    def metadata(self) -> Json:
        """The message's metadata, merged; None if there was none."""
        return self._message.metadata

    @property
    def warnings(self) -> list[str]:
        """What did not fit, and where the AI SDK would have given up."""
        return list(self._message.problems.warnings)

    @property
    def message(self) -> UIMessage:
        """The assistant message so far."""
        return self._message.snapshot()

    @property
    def open_ids(self) -> dict[int, str | None]:
        """The ids of the text and reasoning parts that are still being written, by their place; legacy chunks have none.

        Messages do not say under which id a text was written: whoever goes on with it has to know.
        """
        return self._message.open_ids

    def _new_parts(self) -> list[UIPart]:
        return [part.snapshot()() for part in self._message.parts[self._message.first_new_part :]]

    def _new_events(self) -> list[SSEEvent]:
        """Parts that are whole chunks, as the events that they were."""
        kinds = (SourceUrlUIPart, SourceDocumentUIPart, FileUIPart, DataUIPart)
        return [event_from_chunk(part.to_dict()) for part in self._new_parts() if isinstance(part, kinds)]
