"""The answer so far, folded from what was handed out: when somebody looks, not before."""

from collections.abc import Generator, Iterable, Iterator

from kai_client.accumulator import Accumulator, Run
from kai_client.events import SSEEvent
from kai_client.message import UIMessage
from kai_client.sse import EventDecoder, replay

__all__ = ["Folding"]


class Folding:
    """What a stream's events amount to.

    Whoever only iterates pays for no message: of what was handed out just the bytes are `kept`, as many as were on the wire.
    Who looks for the first time has them read once more; from the next piece on every event is folded in as it is handed
    out. `looks` says that somebody does, `takes_all` that nobody wants the events themselves: they are folded in at once.
    `changed` says whether the last event that was folded changed the message.
    """

    def __init__(self) -> None:
        self.kept: bytearray = bytearray()
        self.looks: bool = False
        self.takes_all: bool = False
        self.changed: bool = False
        self._answer = Accumulator()
        self._decoder: EventDecoder | None = None
        """The one that made what was handed out of the bytes."""
        self._newest = 0
        """Where in `kept` the piece begins that is being handed out."""
        self._again: Iterator[Run | SSEEvent] | None = None
        """The same events, once more."""
        self._folded = 0
        """How many of them are in the answer."""

    @property
    def answer(self) -> Accumulator:
        """All that was handed out, folded."""
        self.looks = True
        self._catch_up()
        return self._answer

    def begin(self, message: UIMessage | None) -> None:
        """The answer goes on with `message`."""
        self._answer = Accumulator(message)

    def fold(self, event: SSEEvent) -> None:
        """Take one event in."""
        self.changed = self._answer.apply(event)

    def hand_out(self, events: Iterator[SSEEvent], data: bytes, decoder: EventDecoder) -> Iterator[SSEEvent]:
        """The `events` that `decoder` makes of the next piece, `data`; all those before it were handed out."""
        if self.looks:
            self._catch_up()
            self._decoder = self._again = None
            self.kept.clear()
            if not self.takes_all:
                return self.following(events)
            self._answer.apply_all(events)
            return iter(())
        self.keep(data)
        self._decoder = decoder
        return events

    def keep(self, data: bytes) -> None:
        """Keep another piece, whose events are handed out next."""
        self._newest = len(self.kept)
        self.kept += data

    def following(self, events: Iterable[SSEEvent]) -> Generator[SSEEvent]:
        """The events, each folded in when it is handed out."""
        for event in events:
            self.changed = self._answer.apply(event)
            yield event

    def _catch_up(self) -> None:
        if self._decoder is None:
            return
        if self._again is None:
            self._again = replay(bytes(self.kept), self._newest)
        handed_out = self._decoder.events_received
        if handed_out > self._folded:
            self.changed = self._answer.apply_all(_first(handed_out - self._folded, self._again))
        self._folded = handed_out


def _first(count: int, events: Iterator[Run | SSEEvent]) -> Iterator[Run | SSEEvent]:
    """So many events; no run reaches over the last one."""
    while count > 0 and (each := next(events, None)) is not None:
        yield each
        count -= len(each.pieces) if isinstance(each, Run) else 1
