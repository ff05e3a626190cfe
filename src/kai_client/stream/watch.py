"""How long a stream may wait: its total time, and a close from another task that ends any wait."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Generator, Iterator
from typing import TypeVar

from kai_client.exceptions import KaiClosedError, KaiTimeoutError

ResultT = TypeVar("ResultT")

__all__ = ["Watch", "drop"]


class Watch:
    """Bounds every wait of one stream. `total` is in seconds and counts from the first wait; one task waits at a time."""

    def __init__(self, total: float | None) -> None:
        self.closed: bool = False
        self._total = total
        self._deadline: float | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._interruption: asyncio.Handle | None = None
        self._interrupted = False
        self._cancelled = 0
        """How often the task had been cancelled when the wait began."""

    @property
    def is_timed(self) -> bool:
        """Whether the time for all of it is limited: then a wait must be `within` it."""
        return self._total is not None

    @property
    def waits(self) -> bool:
        """Whether a task waits here now."""
        return self._task is not None

    def close(self) -> bool:
        """End the wait that goes on, if one does, with a `KaiClosedError`: it does nothing more. Later ones are refused.

        True where there was one: whoever waits is told, and gives the connection back.
        """
        self.closed = True
        task = self._task
        if task is None or self._interrupted:
            return task is not None
        self._interrupted = True
        cancel, loop = task.cancel, task.get_loop()
        if asyncio.current_task() is task:  # it closes itself
            self._interruption = loop.call_soon(cancel)
        else:
            cancel()  # at once: what is called later would come after what the task does when it wakes up
        return True

    @staticmethod
    def now() -> float:
        """The time on the clock of `within`, in seconds."""
        return asyncio.get_running_loop().time()

    def begin(self) -> None:
        """A wait begins; `end` it, come what may. Plain calls: token by token a coroutine more costs as much as the event."""
        if self._task is not None:
            raise RuntimeError("The stream is being read by another task, or by this one further out")
        if self.closed:
            raise KaiClosedError("The stream was closed", "closed")
        if self._loop is None:
            self._loop = asyncio.get_running_loop()  # a system call
        self._task = task = asyncio.current_task(self._loop)
        self._cancelled = 0 if task is None else task.cancelling()

    def end(self) -> None:
        """The wait has ended. Raises `KaiClosedError` where it was `close` that ended it."""
        task, self._task = self._task, None
        if not self._interrupted:
            return
        self._interrupted = False
        if self._interruption is not None:
            self._interruption.cancel()
            self._interruption = None
        if task is None or task.cancelling() <= self._cancelled:
            return
        # The work may have ended in another way meanwhile.
        error = sys.exception()
        if task.uncancel() <= self._cancelled and isinstance(error, asyncio.CancelledError):
            raise KaiClosedError("The stream was closed while it was being read", "closed") from error

    async def within(self, work: Callable[[], Awaitable[ResultT]], until: float | None = None) -> ResultT:
        """What `work` returns, unless the time for all of it is over, or `until` on the loop's clock, or it is closed."""
        self.begin()
        try:
            bound = self._bound(until)
            if bound is None:  # entering a timeout costs as much as some events
                return await work()
            try:
                async with bound:
                    return await work()
            except TimeoutError as error:
                if not bound.expired():
                    raise  # the work's own
                raise KaiTimeoutError(f"No whole answer within {self._total} s in all", "timeout:total") from error
        finally:
            self.end()

    def _bound(self, until: float | None) -> asyncio.Timeout | None:
        if self._total is not None and self._deadline is None:
            self._deadline = self.now() + self._total
        ends = [moment for moment in (self._deadline, until) if moment is not None]
        return asyncio.timeout_at(min(ends)) if ends else None


def drop(events: Iterator[object]) -> None:
    """Have nothing more come of `events`, whoever iterates over them."""
    if isinstance(events, Generator):
        events.close()
