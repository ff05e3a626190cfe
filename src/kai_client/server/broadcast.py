"""An answer that is made once and read by many: the first reader, and those who resume (protocol 7.2)."""

import asyncio
from collections.abc import AsyncIterator, Callable

from kai_client.events import SSEEvent

__all__ = ["Broadcast"]


class Broadcast:
    """Runs `events` to their end in a task of its own, readers or not, and replays them from the first to every reader."""

    def __init__(self, events: AsyncIterator[SSEEvent], on_end: Callable[["Broadcast"], None]) -> None:
        self._events: list[SSEEvent] = []
        self._news = asyncio.Event()
        self._error: Exception | None = None
        self._over = False
        self._on_end = on_end
        self._task = asyncio.create_task(self._run(events))

    async def _run(self, events: AsyncIterator[SSEEvent]) -> None:
        try:
            async for event in events:
                self._events.append(event)
                self._tell()
        except Exception as error:  # noqa: BLE001 - it belongs to the readers, who raise it
            self._error = error
        finally:
            self._end()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._on_end(self)
            self._tell()

    def _tell(self) -> None:
        """Wake the readers; those who look from now on wait for the next event."""
        self._news.set()
        self._news = asyncio.Event()

    async def read(self) -> AsyncIterator[SSEEvent]:
        """Everything so far, then everything as it comes; ends or fails as the answer does."""
        index = 0
        while True:
            while index < len(self._events):
                yield self._events[index]
                index += 1
            if self._over:
                break
            await self._news.wait()
        if self._error is not None:
            raise self._error

    async def cancel(self) -> None:
        """Stop the answer; readers see it end."""
        self._task.cancel()
        await asyncio.wait([self._task])
        self._end()  # a task that was cancelled before its first step has run nothing, not even `finally`
