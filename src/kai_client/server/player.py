"""A turn becomes events: the frame of the AI SDK around what the script says (protocol 4.6).

Pure: no clock, no network. `Player.play` is a generator that yields events and, between them, what it needs: a `Pause`, or
a decision about one of the `Undecided` calls, which is sent in. Who waits for it, and how, is the driver's business: `answer`.
"""

import re
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Final, TypeAlias
from uuid import uuid4

from kai_client.events import (
    AbortEvent,
    ErrorEvent,
    FinishEvent,
    FinishStepEvent,
    ReasoningDeltaEvent,
    ReasoningEndEvent,
    ReasoningStartEvent,
    SSEEvent,
    StartEvent,
    StepStartEvent,
    TextDeltaEvent,
    TextEndEvent,
    TextStartEvent,
)

from .approvals import Decision
from .gate import Gate
from .script import Abort, Call, Emit, Fail, Finish, Item, Pause, Say, Think
from .tool_calls import RunningCall, Settlement, Verdict
from .turn import ToolResult, Turn

__all__ = ["Announced", "Decided", "Played", "Player", "Timeout", "Undecided"]

_WORD: Final = re.compile(r"\s*\S+|\s+$")


@dataclass(frozen=True, slots=True)
class Announced:
    """These calls will wait. Said before their input goes out, since a decision may be back before the next chunk."""

    calls: tuple[RunningCall, ...]


@dataclass(frozen=True, slots=True)
class Undecided:
    """The calls that wait; the driver sends `(call id, decision)` of one of them, or `Timeout`."""

    calls: tuple[RunningCall, ...]


class Timeout:
    """Nobody decided in time."""


Decided: TypeAlias = tuple[str, Decision] | Timeout | None
_Step: TypeAlias = SSEEvent | Pause | Gate | Announced | Undecided
Played: TypeAlias = Generator[_Step, Decided, None]
_Events: TypeAlias = Iterator[SSEEvent]


class Player:
    """Plays one turn into one assistant message."""

    def __init__(self, turn: Turn, judge: Callable[[Call], Verdict]) -> None:
        self.message_id: str = str(uuid4())
        self._turn = turn
        self._judge = judge
        self._in_step = False
        self._text_parts = 0
        self._after_finish: list[SSEEvent] = []
        self._over = False

    def play(self) -> Played:
        """The whole answer. Raises the `KaiError` of a `fail(status=...)`, before the first event if it is the first item."""
        items = self._turn.next(None)
        if items and isinstance(items[0], Fail) and items[0].error is not None:
            raise items[0].error
        yield StartEvent(message_id=self.message_id)
        while items is not None and not self._over:
            results: list[ToolResult] | None = None
            calls = [item for item in items if isinstance(item, Call)]
            for item in items:
                if not isinstance(item, Call):
                    yield from self._item(item)
            if calls:
                results = yield from self._calls(calls)
            if not self._over:
                items = self._turn.next(results)
        self._turn.close()
        if not self._over:
            yield from self._end("stop")

    def close_step(self) -> _Events:
        """`finish-step`, if a step is open."""
        if self._in_step:
            self._in_step = False
            yield FinishStepEvent()

    def _open_step(self) -> _Events:
        if not self._in_step:
            self._in_step = True
            self._text_parts = 0
            yield StepStartEvent()

    def _end(self, reason: str) -> _Events:
        self._over = True
        yield from self.close_step()
        yield FinishEvent(finish_reason=reason)
        yield from self._after_finish

    def _item(self, item: Item) -> Played:
        if self._over:
            return
        match item:
            case Say(text):
                yield from self._say(text)
            case Think(text):
                yield from self._think(text)
            case Emit():
                yield from self._emit(item)
            case Pause() | Gate():
                yield item
            case Finish(reason):
                yield from self._end(reason)
            case Abort(reason):
                self._over = True
                yield AbortEvent() if reason is None else AbortEvent(reason=reason)
            case Fail():
                yield from self._fail(item)
            case _:
                pass  # a call is played together with its neighbours, in `_calls`

    def _emit(self, item: Emit) -> _Events:
        if item.after_finish:
            self._after_finish.append(item.event)
            return
        yield from self._open_step()
        yield item.event

    def _fail(self, item: Fail) -> _Events:
        self._over = True
        if item.error is not None:
            raise item.error
        yield ErrorEvent(message=item.text)
        if item.finish:
            yield from self._end("error")

    def _next_part(self) -> str:
        """Ids of text parts restart at "0" in every step (V1)."""
        self._text_parts += 1
        return str(self._text_parts - 1)

    def _say(self, text: str) -> _Events:
        yield from self._open_step()
        part = self._next_part()
        yield TextStartEvent(id=part)
        for word in _WORD.findall(text):
            yield TextDeltaEvent(id=part, text=word)
        yield TextEndEvent(id=part)

    def _think(self, text: str) -> _Events:
        yield from self._open_step()
        part = f"reasoning-{self._next_part()}"
        yield ReasoningStartEvent(id=part)
        for word in _WORD.findall(text):
            yield ReasoningDeltaEvent(id=part, delta=word)
        yield ReasoningEndEvent(id=part)

    def _calls(self, calls: list[Call]) -> Generator[_Step, Decided, list[ToolResult]]:
        """One step: all inputs, then the outputs as they can be had."""
        yield from self._open_step()
        running = [RunningCall(call, self._judge(call)) for call in calls]
        waiting = {one.id: one for one in running if one.waits}
        yield Announced(tuple(waiting.values()))
        for one in running:
            yield from one.input_events()
        settled: dict[str, Settlement] = {}
        for one in running:
            if not one.waits:
                settled[one.id] = one.settle_alone()
                yield from settled[one.id].events
        while waiting:
            answer = yield Undecided(tuple(waiting.values()))
            if not isinstance(answer, tuple):
                yield from self._expire(waiting)
                return []
            call_id, decision = answer
            settled[call_id] = waiting.pop(call_id).settle(decision)
            yield from settled[call_id].events
        yield from self.close_step()
        results = [settled[one.id].result for one in running]
        yield from self._answer_refusals(running, results)
        return results

    def _expire(self, waiting: dict[str, RunningCall]) -> _Events:
        """Each call ends in a state of its own, then the answer fails (protocol 2.5)."""
        for one in waiting.values():
            yield one.failed("Nobody decided about this call in time.")
        yield from self._end("error")

    def _answer_refusals(self, running: list[RunningCall], results: list[ToolResult]) -> _Events:
        """A list cannot know that its call was refused: it would go on as if the tool had run."""
        refused = [(one.call, result) for one, result in zip(running, results, strict=True) if result.denied]
        if not refused or not self._turn.is_list:
            return
        yield from self._say(" ".join(_refusal(call, result) for call, result in refused))
        if all(result.denied for result in results):
            yield from self._end("stop")


def _refusal(call: Call, result: ToolResult) -> str:
    reason = f" ({result.reason})" if result.reason else ""
    return call.denied or f"I did not run `{call.tool}`, since it was refused{reason}."
