"""One chunk at a time: the JSON text of a frame to events, whatever it says."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from kai_client._text import DeltaMender
from kai_client._wire import decode_json
from kai_client.events import (
    AbortEvent,
    ErrorEvent,
    FinishEvent,
    ReasoningDeltaEvent,
    ReasoningEndEvent,
    ReasoningEvent,
    ReasoningStartEvent,
    SSEEvent,
    TextDeltaEvent,
    TextEndEvent,
    TextEvent,
    TextStartEvent,
    ToolInputDeltaEvent,
    event_from_chunk,
)
from kai_client.exceptions import KaiStreamError

__all__ = ["ChunkReader", "parse_sse_event"]

_QUOTED: Final = 80


def parse_sse_event(data: Mapping[str, Any]) -> SSEEvent:
    """The event for one decoded chunk; a type that nobody knows gives an `UnknownEvent`.

    Raises `KaiStreamError` for what is no JSON object, and for a chunk of a known type without what makes it one.
    """
    if not isinstance(data, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance] - the wire does not read signatures
        raise KaiStreamError(f"A chunk must be a JSON object, not {type(data).__name__}", code="stream:malformed")
    try:
        return event_from_chunk(data)
    except ValueError as error:
        kind = str(data.get("type"))[:_QUOTED]
        raise KaiStreamError(f"Malformed {kind!r} chunk: {error}", code="stream:malformed") from None


class ChunkReader:
    """Reads the chunks of one stream in order; `terminal` says whether one of them has declared the answer over."""

    def __init__(self) -> None:
        self._mender = DeltaMender()
        self.terminal: bool = False
        self.held_back: Mapping[str, str] = self._mender.held
        """Half characters that wait for the delta that brings the other half."""

    def read(self, frame: str) -> Iterator[SSEEvent]:
        """The events of one frame's data, mostly one. Raises `KaiStreamError` for what is no chunk."""
        if frame.strip() == "[DONE]":
            self.terminal = True
            return
        try:
            chunk = decode_json(frame)
        except ValueError as error:
            quoted = frame if len(frame) <= _QUOTED else f"{frame[:_QUOTED]}..."
            raise KaiStreamError(f"Invalid JSON in the stream: {quoted!r}", "stream:malformed", str(error)) from None
        if not isinstance(chunk, dict):
            raise KaiStreamError(f"A chunk must be a JSON object, not {type(chunk).__name__}", code="stream:malformed")
        event = parse_sse_event(chunk)
        self.terminal = self.terminal or isinstance(event, FinishEvent | AbortEvent | ErrorEvent)
        yield from self._printable(event)

    def read_last(self, frame: str) -> Iterator[SSEEvent]:
        """As `read`, for what the end of the body has completed: a torn chunk is not reported, it never arrived."""
        try:
            torn = frame.strip() != "[DONE]" and not isinstance(decode_json(frame), dict)
        except ValueError:
            return
        if not torn:
            yield from self.read(frame)

    def _printable(self, event: SSEEvent) -> Iterator[SSEEvent]:
        """Deltas as a user can print them: no half characters."""
        mend = self._mender.mend
        match event:
            case TextDeltaEvent():
                yield _with(event, "text", event.text, mend(f"text:{event.id}", event.text))
            case TextEvent():
                yield _with(event, "text", event.text, mend("text", event.text))
            case ReasoningDeltaEvent():
                yield _with(event, "delta", event.delta, mend(f"reasoning:{event.id}", event.delta))
            case ReasoningEvent():
                yield _with(event, "text", event.text, mend("reasoning", event.text))
            case ToolInputDeltaEvent():
                delta = mend(f"tool:{event.tool_call_id}", event.input_text_delta)
                yield _with(event, "input_text_delta", event.input_text_delta, delta)
            case TextStartEvent() | TextEndEvent():
                if rest := self._mender.end(f"text:{event.id}"):
                    yield TextDeltaEvent(type="text", id=event.id, text=rest)
                yield event
            case ReasoningStartEvent() | ReasoningEndEvent():
                if rest := self._mender.end(f"reasoning:{event.id}"):
                    yield ReasoningDeltaEvent(type="reasoning-delta", id=event.id, delta=rest)
                yield event
            case _:
                yield event


def _with(event: SSEEvent, name: str, delta: str, mended: str) -> SSEEvent:
    """The event itself, unless its delta needed mending."""
    return event if mended is delta else event.model_copy(update={name: mended})
