# Made of kai_client/stream/carrying.py by scripts/generate_sync.py: change that, and run this.
"""Between a response and its reader, where somebody carries the answer on: what the reader gets, and what is heard of it."""

from collections.abc import Generator, Iterator

from kai_client.events import FinishEvent, SSEEvent, StartEvent
from kai_client.stream.folding import Folding
from kai_client.sync.stream.continuation import Continuation

__all__ = ["Carrying"]


class Carrying:
    """One sequence of events out of the responses that an answer takes.

    `unheard` is the event that the reader has had and the continuation was not told of yet.
    """

    def __init__(self, continuation: Continuation, folding: Folding) -> None:
        self.continuation: Continuation = continuation
        self.unheard: SSEEvent | None = None
        self.is_deciding: bool = False
        self._folding = folding
        self._goes_on = False
        """Whether this is not the first response of the answer."""
        self._held: tuple[FinishEvent, bool] | None = None
        """A `finish` that may turn out not to be the end, and whether it changed the message."""
        folding.looks = True

    @property
    def is_open(self) -> bool:
        """Whether it is open yet how, or whether, the answer goes on."""
        return self.is_deciding or self._held is not None

    def hand_out(self, events: Iterator[SSEEvent]) -> Generator[SSEEvent]:
        """Those of `events` that the reader is to have, up to one that the continuation wants to know of."""
        for event in events:
            if self._is_for_the_reader(event):
                yield event
                if self.unheard is not None:
                    return

    def go_on(self) -> None:
        """Another response continues the answer."""
        self._held = None
        self._goes_on = True
        self._folding.answer.go_on()

    def ending(self) -> Generator[SSEEvent]:
        """The `finish` that was the end after all."""
        if self._held is not None:
            (event, self._folding.changed), self._held = self._held, None
            yield event

    def _is_for_the_reader(self, event: SSEEvent) -> bool:
        begins_again = self._goes_on and isinstance(event, StartEvent)
        answer = self._folding.answer
        self._folding.fold(answer.going_on(event) if isinstance(event, StartEvent) and self._goes_on else event)
        if isinstance(event, FinishEvent) and self.continuation.waits(answer):
            self._held = event, self._folding.changed
            return False
        if begins_again or self.continuation.repeats(event):
            return False
        if self.continuation.concerns(event):
            self.unheard = event
        return True
