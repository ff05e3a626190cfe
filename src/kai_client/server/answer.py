"""A played turn meets the world: pace, silence, and the two ways to wait for a decision (protocol 2.4 and 2.5)."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from kai_client.events import FinishEvent, SSEEvent, StartEvent

from .approvals import CallKey, Decision, PendingApprovals
from .faults import Mode
from .gate import Gate
from .player import Announced, Decided, Player, Timeout, Undecided
from .script import Pause
from .tool_calls import RunningCall

__all__ = ["Answer", "Rhythm", "ScriptedAnswer"]


class Answer(Protocol):
    """One assistant message being made."""

    waiting: Sequence[RunningCall]
    """The calls for which the message was suspended."""

    def events(self, decisions: Mapping[str, Decision]) -> AsyncIterator[SSEEvent]:
        """The events up to the end, or up to calls that wait; called again with decisions by call id, those that follow."""
        ...


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds between two chunks, and seconds that an open stream waits for a decision."""

    pace: float = 0.0
    approval_timeout: float = 300.0


class ScriptedAnswer:
    """Drives a `Player`: in agent mode the stream stays open and silent, in assistant mode it ends and is continued."""

    def __init__(
        self, player: Player, *, mode: Mode, owner: tuple[str, str], approvals: PendingApprovals, rhythm: Rhythm
    ) -> None:
        self.waiting: Sequence[RunningCall] = ()
        self._player = player
        self._played = player.play()
        self._mode = mode
        self._owner = owner
        self._approvals = approvals
        self._rhythm = rhythm

    async def events(self, decisions: Mapping[str, Decision]) -> AsyncIterator[SSEEvent]:
        """See `Answer`. Closing the iterator in agent mode ends the answer and forgets its pending approvals."""
        pending = dict(decisions)
        sent: Decided = None
        if self.waiting:
            yield StartEvent(message_id=self._player.message_id)
            sent, self.waiting = _taken(self.waiting, pending), ()
        futures: dict[CallKey, asyncio.Future[Decision]] = {}
        with ExitStack() as expectations:
            while (step := self._advance(sent)) is not None:
                sent = None
                match step:
                    case Pause(seconds):
                        await asyncio.sleep(seconds)
                    case Gate():
                        await step.passed()
                    case Announced(calls):
                        futures.update(self._expect(calls, expectations))
                    case Undecided(calls):
                        sent = await self._decided(calls, futures) if futures else _taken(calls, pending)
                        if sent is None:
                            for event in self._suspend(calls):
                                yield event
                            return
                    case _:
                        yield step
                        await self._breathe()

    def _expect(self, calls: Sequence[RunningCall], until: ExitStack) -> Mapping[CallKey, asyncio.Future[Decision]]:
        """kai-agent waits while the stream is open; kai-assistant does not wait at all."""
        if self._mode == "assistant":
            return {}
        return until.enter_context(self._approvals.expect([self._key(call) for call in calls]))

    async def _breathe(self) -> None:
        if self._rhythm.pace:
            await asyncio.sleep(self._rhythm.pace)

    def _advance(self, sent: Decided) -> SSEEvent | Pause | Gate | Announced | Undecided | None:
        try:
            return self._played.send(sent)
        except StopIteration:
            return None

    def _key(self, call: RunningCall) -> CallKey:
        return (*self._owner, call.id)

    async def _decided(
        self, calls: Sequence[RunningCall], futures: Mapping[CallKey, asyncio.Future[Decision]]
    ) -> tuple[str, Decision] | Timeout:
        """The first decision about one of the calls; the others go on waiting."""
        by_future = {futures[self._key(call)]: call.id for call in calls}
        timeout = self._rhythm.approval_timeout
        done, _ = await asyncio.wait(by_future, timeout=timeout, return_when=asyncio.FIRST_COMPLETED)
        for future, call_id in by_future.items():
            if future in done:
                return call_id, future.result()
        return Timeout()

    def _suspend(self, calls: Sequence[RunningCall]) -> Sequence[SSEEvent]:
        """V3: the requests, the end of the step, the end of the stream."""
        self.waiting = calls
        requests = [event for call in calls for event in call.request()]
        return [*requests, *self._player.close_step(), FinishEvent(finish_reason="tool-calls")]


def _taken(calls: Sequence[RunningCall], decisions: dict[str, Decision]) -> tuple[str, Decision] | None:
    """One of the decisions, in the order of the calls; each is used once."""
    for call in calls:
        if (decision := decisions.pop(call.id, None)) is not None:
            return call.id, decision
    return None
