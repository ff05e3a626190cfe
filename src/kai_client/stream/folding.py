"""The answer so far, folded from what was handed out: when somebody looks, not before."""

import re
from collections.abc import Generator, Iterable, Iterator
from typing import Final

from kai_client.accumulator import Accumulator, Run
from kai_client.events import SSEEvent
from kai_client.message import UIMessage
from kai_client.sse import EventDecoder, in_runs, replay

__all__ = ["Folding"]


_DELTAS: Final = re.compile(
    rb'(?:^data: \{"type": ?"(?:text|reasoning|tool-input)-delta"[^\r\n]*+\n\n)++', re.MULTILINE
)
"""Plain frames that are pieces of something, one after the other: nearly all of an answer."""


class Folding:
    """What a stream's events amount to.

    Whoever only iterates pays for no message: of what was handed out just the bytes are `kept`, as many as were on the wire,
    of which those from `newest` on are being handed out.
    Who looks for the first time has them read once more; from the next piece on every event is folded in as it is handed
    out. `looks` says that somebody does, `takes_all` that nobody wants the events themselves: they are folded in at once.
    `changed` says whether the last event that was folded changed the message.
    """

    def __init__(self) -> None:
        self.kept: bytearray = bytearray()
        self.newest: int = 0
        self.looks: bool = False
        self.takes_all: bool = False
        self.changed: bool = False
        self._answer = Accumulator()
        self._goes_on = False
        """Whether there was a message before."""
        self._decoder: EventDecoder | None = None
        """The one that made what was handed out of the bytes."""
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

    def glance(self) -> Accumulator:
        """All that was received but what came in pieces, for a fraction of what the whole costs; all where that is there."""
        if self.looks or self._goes_on:
            return self.answer
        answer, decoder = Accumulator(), EventDecoder()
        answer.apply_all(decoder.feed(_DELTAS.sub(b"", self.kept)))
        answer.apply_all(decoder.close())
        return answer

    def begin(self, message: UIMessage | None) -> None:
        """The answer goes on with `message`."""
        self._answer = Accumulator(message)
        self._goes_on = message is not None

    def fold(self, event: SSEEvent) -> None:
        """Take one event in."""
        self.changed = self._answer.apply(event)

    def hand_out(self, events: Iterator[SSEEvent], data: bytes, decoder: EventDecoder) -> Iterator[SSEEvent]:
        """The `events` that `decoder` makes of the next piece, `data`; all those before it were handed out."""
        if self.looks:
            self._caught_up()
            if not self.takes_all:
                return self.following(events)
            self._answer.apply_all(events)
            return iter(())
        self.newest = len(self.kept)
        self.kept += data
        self._decoder = decoder
        return events

    def take_in(self, data: bytes, decoder: EventDecoder) -> Iterator[SSEEvent]:
        """What to hand out of the next piece, once somebody looks; of what nobody wants to see most is not even made."""
        self._caught_up()
        if not self.takes_all:
            return self.following(decoder.feed(data))
        self._answer.apply_all(in_runs(decoder, data))
        return iter(())

    def following(self, events: Iterable[SSEEvent]) -> Generator[SSEEvent]:
        """The events, each folded in when it is handed out."""
        for event in events:
            self.changed = self._answer.apply(event)
            yield event

    def _caught_up(self) -> None:
        """From here on events are folded in as they come: no bytes are needed."""
        self._catch_up()
        self._decoder = self._again = None
        self.kept.clear()

    def _catch_up(self) -> None:
        if self._decoder is None:
            return
        if self._again is None:
            self._again = replay(bytes(self.kept), self.newest)
        handed_out = self._decoder.events_received
        if handed_out > self._folded:
            self.changed = self._answer.apply_all(_first(handed_out - self._folded, self._again))
        self._folded = handed_out


def _first(count: int, events: Iterator[Run | SSEEvent]) -> Iterator[Run | SSEEvent]:
    """So many events; no run reaches over the last one."""
    while count > 0 and (each := next(events, None)) is not None:
        yield each
        count -= each.deltas if isinstance(each, Run) else 1
