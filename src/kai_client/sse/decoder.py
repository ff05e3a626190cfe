"""Bytes to events: what a stream says, and whether it said it all."""

import re
from collections.abc import Generator, Iterator
from operator import length_hint
from typing import Final

from kai_client.events import SSEEvent
from kai_client.events.plain import NotPlainError, delta_reader, plain_reader
from kai_client.exceptions import KaiStreamError

from .chunks import ChunkReader
from .frames import FrameDecoder
from .plain import CARRIAGE_RETURN, HELD, cut

__all__ = ["MAX_EVENT_BYTES", "EventDecoder"]

MAX_EVENT_BYTES: Final = 64 * 1024 * 1024

_WHOLE_FRAME: Final = re.compile(rb"data: (\{[^\n]*+)\n\n").fullmatch
"""One plain frame and nothing else, see `plain`; but for carriage returns, which are sought apart: a set of two characters
instead of one takes the match twice as long. In a delta nothing can look like a number: the reader takes texts.
"""


class EventDecoder:
    """Feed it the bytes of a stream, it yields the events. Pure: no I/O, no clock.

    Plain frames are cut a piece at a time, and plain deltas read in one step each; whatever is unusual takes the careful way,
    frame by frame and chunk by chunk, with the same result. An event is made when it is asked for, so that few are alive at
    once.

    `terminal` says whether the answer was declared over (`finish`, `abort`, `error` or `[DONE]`): a body that ends before
    is half an answer. `[DONE]` does not end the reading (protocol 4.2): usage may follow `finish`. `failure` is why no more
    events come after those that were yielded: the stream is malformed. `over` is there for whoever must ask quickly: one of
    the two. `steady` says that something was read, and nothing by half: what comes next begins a frame, which is all that its
    event needs.
    """

    def __init__(self, max_event_bytes: int = MAX_EVENT_BYTES) -> None:
        self._max = max_event_bytes
        self._frames = FrameDecoder(max_event_bytes)
        self._chunks = ChunkReader()
        self._held_back = self._chunks.held_back
        self._read_delta = delta_reader()
        self._rest = b""
        """A frame of the plain form that is not whole yet."""
        self.steady: bool = False
        self._counted = 0
        """Events that were yielded before the run that goes on."""
        self._run: Iterator[object] = iter(())
        """What deltas are being handed out from."""
        self._run_length = 0
        """How many there were when that began."""
        self.terminal: bool = False
        self.over: bool = False
        self.failure: KaiStreamError | None = None
        self.bytes_received: int = 0

    @staticmethod
    def prepare() -> None:
        """Have the readers built that all decoders share."""
        delta_reader()
        plain_reader()

    @property
    def silent(self) -> bool:
        """Whether nothing but comments has come so far."""
        return self._frames.silent

    @property
    def events_received(self) -> int:
        """How many events were yielded."""
        # Counted where somebody asks, not with every event.
        return self._counted + self._run_length - length_hint(self._run)

    def feed(self, data: bytes) -> Iterator[SSEEvent]:
        """The events that `data` completes, lazily; to be taken before the next piece is fed. It never raises: see `failure`."""
        size = len(data)
        self.bytes_received += size
        # Token by token nothing else comes than a delta a time, and the steps around it cost more than the delta.
        if self.steady and size <= self._max and CARRIAGE_RETURN not in data and (frame := _WHOLE_FRAME(data)):
            read = self._read_delta
            try:
                event = read(frame[1])
            except NotPlainError:
                pass
            else:
                self._counted += self._run_length  # the last one has been handed out
                self._run_length = 1
                self._run = events = iter((event,))
                return events
        return self._cut(self._rest + data if self._rest else data)

    def has_read(self, events: int, size: int) -> bool:
        """Where `steady`: count so many plain deltas that were read elsewhere, of so many bytes; False for more than an event may have."""
        if size > self._max:
            return False
        self._begin_run(iter(()), 0)
        self._counted += events
        self.bytes_received += size
        return True

    def _cut(self, data: bytes) -> Iterator[SSEEvent]:
        """The events of a piece that may hold any number of them, and parts of some."""
        self._rest, self.steady = b"", False
        plain = cut(data) if self._frames.idle and len(data) <= self._max else None
        if plain is None:
            return self._careful(data)
        frames, rest = plain
        if len(rest) <= HELD:
            self._rest, rest = rest, b""
        if frames and self._frames.silent:
            self._frames.begin()
        return self._plain(frames, rest)

    def close(self) -> Generator[SSEEvent]:
        """The event that the end of the body completes, if any; a torn one is not reported, it never arrived."""
        rest, self._rest = self._rest, b""
        yield from self._careful(rest)
        try:
            for frame in self._frames.close():
                yield from self._events(self._chunks.read_last(frame))
        except KaiStreamError as error:
            self._fail(self.failure or error)

    def _careful(self, data: bytes) -> Generator[SSEEvent]:
        try:
            for frame in self._frames.feed(data):
                yield from self._events(self._chunks.read(frame))
            self._settle()
        except KaiStreamError as error:
            self._fail(error)

    def _plain(self, frames: list[bytes], rest: bytes) -> Generator[SSEEvent]:
        """The events of whole frames, and what a long one that is incomplete is good for."""
        read, left = plain_reader(), iter(frames)
        while before := length_hint(left):
            if self._held_back:
                frame = next(left)
            else:
                self._begin_run(left, before)
                try:
                    yield from map(read, left)
                except NotPlainError:
                    after = length_hint(left)
                    frame = frames[-1 - after]
                    self._run_length -= after + 1
                    self._begin_run(iter(()), 0)
                else:
                    break
            try:
                text = frame.decode("utf-8", "replace")
                if text.strip():
                    yield from self._events(self._chunks.read(text))
            except KaiStreamError as error:
                self._fail(error)
                return
        if rest:
            yield from self._careful(rest)
        else:
            self._settle()

    def _settle(self) -> None:
        """See whether anything is half read."""
        self.steady = self._frames.idle and not (self._rest or self._held_back or self._frames.silent)

    def _begin_run(self, events: Iterator[object], length: int) -> None:
        self._counted += self._run_length  # the last one has been handed out
        self._run, self._run_length = events, length

    def _events(self, events: Iterator[SSEEvent]) -> Iterator[SSEEvent]:
        for event in events:
            self._counted += 1
            self.terminal = self.over = self._chunks.terminal
            yield event
        self.terminal = self.over = self._chunks.terminal  # [DONE] is no event

    def _fail(self, error: KaiStreamError) -> None:
        self.failure, self.over = error, True
