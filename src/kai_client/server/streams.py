"""Iterators of events, owned: closed where they were opened, and run to their end by one task."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Final, Generic, Self, TypeVar

__all__ = ["Pump", "closing"]

T = TypeVar("T")

_AHEAD: Final = 16
"""How many events are fetched before the client has taken them."""


@asynccontextmanager
async def closing(events: AsyncIterator[T]) -> AsyncGenerator[AsyncIterator[T]]:
    """Closes `events` when the block is left, if it can be closed: a generator's clean-up must not wait for the collector."""
    try:
        yield events
    finally:
        aclose = getattr(events, "aclose", None)
        if aclose is not None:
            await aclose()


class Pump(Generic[T]):
    """Iterates `events` in a task of its own, from the first to the closing.

    A response is made in one task and written in another; timeouts and cancel scopes inside a backend's iterator must not
    notice. Leaving the block stops the task and closes the iterator, wherever it is.
    """

    def __init__(self, events: AsyncIterator[T], *, ahead: int = _AHEAD) -> None:
        self._queue: asyncio.Queue[tuple[T] | Exception | None] = asyncio.Queue(ahead)
        self._put_back: list[Exception | None] = []
        """The end, seen while what came before it was handed out."""
        self._task = asyncio.create_task(self._run(events))

    async def _run(self, events: AsyncIterator[T]) -> None:
        end: Exception | None = None
        try:
            async with closing(events):
                async for event in events:
                    await self._queue.put((event,))
        except Exception as error:  # noqa: BLE001 - it belongs to the reader, where it is raised
            end = error
        await self._queue.put(end)

    async def next(self) -> tuple[T] | None:
        """The next event in a tuple, None at the end. Raises what the iterator raised. Can be cancelled without a loss."""
        item = await self._queue.get()
        if isinstance(item, Exception):
            raise item
        return item

    async def batch(self) -> list[T]:
        """All events that are there, at least one; none at the end. Raises and can be cancelled as `next`."""
        item: tuple[T] | Exception | None = self._put_back.pop() if self._put_back else await self._queue.get()
        events: list[T] = []
        while isinstance(item, tuple):
            events.append(item[0])
            if self._queue.empty():
                return events
            item = self._queue.get_nowait()
        if events:
            self._put_back.append(item)
        elif isinstance(item, Exception):
            raise item
        return events

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])
