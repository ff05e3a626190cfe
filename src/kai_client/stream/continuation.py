"""Who answers what an answer asks for, so that it can go on: the seam between a stream and a run."""

from typing import Protocol

from kai_client.accumulator import Accumulator
from kai_client.events import SSEEvent

from .opening import Opening

__all__ = ["Continuation"]


class Continuation(Protocol):
    """Carries an answer on through what it waits for. It is asked by the stream only, between two events."""

    def waits(self, answer: Accumulator) -> bool:
        """Whether the answer, at the end of a response, waits for something; its `finish` is not the end then."""
        ...

    def repeats(self, event: SSEEvent) -> bool:
        """Whether the reader had this event already, from this side."""
        ...

    def concerns(self, event: SSEEvent) -> bool:
        """Whether it wants to know of the event, once the reader has it."""
        ...

    async def heard(self, event: SSEEvent, answer: Accumulator) -> bool:
        """The reader has had `event`, and the response is open. False leaves the answer as it is."""
        ...

    async def go_on(self, answer: Accumulator) -> Opening | None:
        """A response has ended well: how the answer goes on, None where it does not."""
        ...
