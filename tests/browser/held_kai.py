"""A scripted Kai whose answers stop in the middle until the test has seen on the page what came before."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from typing import cast

from kai_client import SSEEvent, TextEvent
from kai_client.models import Message
from kai_client.server import Caller, ScriptedKai
from kai_client.server.answer import Answer
from kai_client.server.approvals import Decision
from kai_client.server.service import IncomingMessage
from kai_client.server.tool_calls import RunningCall
from kai_client.types import JsonObject

__all__ = ["HeldKai", "Hold"]


class Hold:
    """Stops every answer before a word."""

    def __init__(self, word: str) -> None:
        self.word = word
        self._released: Future[None] = Future()

    def release(self) -> None:
        """Let them go on."""
        self._released.set_result(None)

    async def pass_by(self, event: SSEEvent) -> None:
        """Wait, if this is the word."""
        if isinstance(event, TextEvent) and self.word in event.text:
            await asyncio.shield(asyncio.wrap_future(self._released))


class HeldKai(ScriptedKai):
    """Plays its script up to the words that it is told to hold."""

    def __init__(self) -> None:
        super().__init__()
        self.left: list[str] = []
        """The questions whose answers were left before their end: whoever read them closed the connection."""
        self._holds: list[Hold] = []

    def hold(self, word: str) -> Hold:
        """From now on no answer says this word; choose one that no other test's answer has."""
        self._holds.append(Hold(word))
        return self._holds[-1]

    def open(
        self, caller: Caller, message: IncomingMessage, history: Sequence[Message], restrictions: JsonObject
    ) -> Answer:
        """The script's own answer, with its stops."""
        answer = super().open(caller, message, history, restrictions)
        return _HeldAnswer(answer, self._holds, lambda: self.left.append(message.text))


class _HeldAnswer:
    def __init__(self, answer: Answer, holds: Sequence[Hold], leave: Callable[[], None]) -> None:
        self.waiting: Sequence[RunningCall] = ()
        self._answer = answer
        self._holds = holds
        self._leave = leave

    async def events(self, decisions: Mapping[str, Decision]) -> AsyncIterator[SSEEvent]:
        inner = self._answer.events(decisions)
        try:
            async with aclosing(cast("AsyncGenerator[SSEEvent]", inner)) as events:
                async for event in events:
                    for hold in self._holds:
                        await hold.pass_by(event)
                    self.waiting = self._answer.waiting
                    yield event
        except (asyncio.CancelledError, GeneratorExit):
            self._leave()
            raise
