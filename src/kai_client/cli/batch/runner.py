"""All prompts, some at a time: what is begun when, and what ends everything."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .answering import InFlight
from .attempts import Attempts, Locked
from .gate import QuotaReached
from .order import Order
from .progress import Progress
from .prompts import Prompt
from .records import Fault, Record
from .tally import Tally

__all__ = ["Ending", "Runner"]

_SKIPPED: Final = Fault(
    code="batch:chat", message="Not sent: an earlier prompt of its chat has no answer", retryable=True
)


@dataclass(frozen=True, slots=True)
class Ending:
    """Why a run ended before its prompts did; `because` is None where enough of them had failed."""

    because: QuotaReached | Locked | None


class Runner:
    """Answers prompts, up to `concurrency` at a time, begun in the order of the input.

    Prompts of one chat are one conversation: each is sent when the one before it is answered, and none after one that
    failed. After `max_failures` nothing more is begun, and what is running is finished.
    """

    def __init__(
        self,
        attempts: Attempts,
        in_flight: InFlight,
        order: Order,
        progress: Progress,
        tally: Tally,
        *,
        concurrency: int,
        max_failures: int | None = None,
    ) -> None:
        self._attempts = attempts
        self._in_flight = in_flight
        self._order = order
        self._progress = progress
        self._tally = tally
        self._concurrency = concurrency
        self._max_failures = max_failures
        self._todo: Iterator[tuple[int, Prompt]] = iter(())
        self._taking = asyncio.Lock()
        self._waiting_in_chat: dict[str, deque[tuple[int, Prompt]]] = {}
        """The chats in which somebody is at work, and what comes next in each."""
        self._broken_chats: set[str] = set()
        self._workers: list[asyncio.Task[None]] = []
        self._ending: Ending | None = None

    async def run(self, prompts: Sequence[Prompt]) -> Ending | None:
        """Do them all; why it ended before that, else None. What was answered is written, however it ends."""
        self._todo = enumerate(prompts)
        self._workers = [asyncio.create_task(self._work()) for _ in range(min(self._concurrency, len(prompts)))]
        try:
            if self._workers:
                await asyncio.wait(self._workers, return_when=asyncio.FIRST_EXCEPTION)
        finally:
            for worker in self._workers:
                worker.cancel()
            results = await asyncio.gather(*self._workers, return_exceptions=True)
            self._order.end()
        for result in results:
            if isinstance(result, Exception):
                raise result
        return self._ending

    async def _work(self) -> None:
        task = await self._take()
        while task is not None:
            place, prompt = task
            await self._do(place, prompt)
            if self._ending is not None:
                return
            task = self._next_in_chat(prompt) or await self._take()

    async def _take(self) -> tuple[int, Prompt] | None:
        """The next prompt that can be begun, None at the end."""
        async with self._taking:
            for place, prompt in self._todo:
                await self._order.room(place)
                if prompt.chat_id is None:
                    return place, prompt
                waiting = self._waiting_in_chat.get(prompt.chat_id)
                if waiting is None:
                    self._waiting_in_chat[prompt.chat_id] = deque()
                    return place, prompt
                waiting.append((place, prompt))
        return None

    def _next_in_chat(self, prompt: Prompt) -> tuple[int, Prompt] | None:
        if prompt.chat_id is None:
            return None
        waiting = self._waiting_in_chat[prompt.chat_id]
        if waiting:
            return waiting.popleft()
        del self._waiting_in_chat[prompt.chat_id]
        return None

    async def _do(self, place: int, prompt: Prompt) -> None:
        if prompt.chat_id is not None and prompt.chat_id in self._broken_chats:
            self._finish(place, _skipped(prompt, prompt.chat_id))
            return
        try:
            record = await self._attempts.record(prompt)
        except (QuotaReached, Locked) as because:
            self._stop(because)
        else:
            if record.status == "failed" and prompt.chat_id is not None:
                self._broken_chats.add(prompt.chat_id)
            self._finish(place, record)

    def _finish(self, place: int, record: Record) -> None:
        self._tally.add(record)
        self._order.put(place, record)
        self._progress.step(record, self._tally)
        if self._max_failures is not None and self._tally.failed_now >= self._max_failures:
            self._stop(None)

    def _stop(self, because: QuotaReached | Locked | None) -> None:
        """Begin nothing more: who waits, waits in vain. What is with the service is finished, except where Kai is closed."""
        if self._ending is None or isinstance(because, Locked):
            self._ending = Ending(because)
        for worker in self._workers:
            running = worker is asyncio.current_task() or worker in self._in_flight.tasks
            if not running or (isinstance(because, Locked) and worker is not asyncio.current_task()):
                worker.cancel()


def _skipped(prompt: Prompt, chat_id: str) -> Record:
    return Record(prompt=prompt, chat_id=chat_id, fault=_SKIPPED, seconds=0.0, attempts=0)
