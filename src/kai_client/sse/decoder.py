"""Frames to events: what a stream's bytes say, and whether they said it all."""

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

from .frames import FrameDecoder

MAX_EVENT_BYTES: Final = 64 * 1024 * 1024
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


class EventDecoder:
    """Feed it the bytes of a stream, it yields the events. Pure: no I/O, no clock.

    `terminal` says whether the answer was declared over (`finish`, `abort`, `error` or `[DONE]`): a body that ends before
    is half an answer. `[DONE]` does not end the reading (protocol 4.2): usage may follow `finish`.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._frames = FrameDecoder(max_event_bytes)
        self._mender = DeltaMender()
        self.terminal: bool = False
        self.bytes_received: int = 0
        self.events_received: int = 0

    @property
    def silent(self) -> bool:
        """Whether nothing but comments has come so far."""
        return self._frames.silent

    def feed(self, data: bytes) -> Iterator[SSEEvent]:
        """The events that `data` completes, lazily: those before a malformed chunk come before its `KaiStreamError`."""
        self.bytes_received += len(data)
        for frame in self._frames.feed(data):
            yield from self._event(frame)

    def close(self) -> Iterator[SSEEvent]:
        """The event that the end of the body completes, if any; a torn one is not reported, it never arrived."""
        for frame in self._frames.close():
            try:
                chunk = decode_json(frame) if frame.strip() != "[DONE]" else None
            except ValueError:
                return
            yield from self._event(frame) if chunk is None or isinstance(chunk, dict) else ()

    def _event(self, frame: str) -> Iterator[SSEEvent]:
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
        self.events_received += 1
        self.terminal = self.terminal or isinstance(event, FinishEvent | AbortEvent | ErrorEvent)
        yield from self._printable(event)

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
                    yield TextDeltaEvent(id=event.id, text=rest)
                yield event
            case ReasoningStartEvent() | ReasoningEndEvent():
                if rest := self._mender.end(f"reasoning:{event.id}"):
                    yield ReasoningDeltaEvent(id=event.id, delta=rest)
                yield event
            case _:
                yield event


def _with(event: SSEEvent, name: str, delta: str, mended: str) -> SSEEvent:
    """The event itself, unless its delta needed mending."""
    return event if mended is delta else event.model_copy(update={name: mended})
