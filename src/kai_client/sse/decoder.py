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
    SSEEvent,
    TextDeltaEvent,
    TextEvent,
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
        event = self._printable(parse_sse_event(chunk))
        self.events_received += 1
        self.terminal = self.terminal or isinstance(event, FinishEvent | AbortEvent | ErrorEvent)
        yield event

    def _printable(self, event: SSEEvent) -> SSEEvent:
        """Deltas as a user can print them: no half characters."""
        if isinstance(event, TextEvent):
            key = event.id if isinstance(event, TextDeltaEvent) else ""
            text = self._mender.mend(f"text:{key}", event.text)
            return event if text is event.text else event.model_copy(update={"text": text})
        if isinstance(event, ReasoningDeltaEvent):
            delta = self._mender.mend(f"reasoning:{event.id}", event.delta)
            return event if delta is event.delta else event.model_copy(update={"delta": delta})
        return event
