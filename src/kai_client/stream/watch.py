"""How long a stream may wait: its total time, and a close from another task that ends any wait."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import TypeVar

from kai_client.exceptions import KaiClosedError, KaiTimeoutError

ResultT = TypeVar("ResultT")

__all__ = ["Watch"]


class Watch:
    """Bounds every wait of one stream. `total` is in seconds and counts from the first wait; one task waits at a time."""

    def __init__(self, total: float | None) -> None:
        self.closed: bool = False
        self._total = total
        self._deadline: float | None = None
        self._bound: asyncio.Timeout | None = None
        self._task: asyncio.Task[object] | None = None
        self._interrupted = False

    @property
    def waits(self) -> bool:
        """Whether a task waits here now."""
        return self._bound is not None

    def close(self) -> None:
        """End the wait that goes on, if one does, with a `KaiClosedError`: it does nothing more. Later ones are refused."""
        self.closed = True
        if self._bound is None or self._interrupted:
            return
        self._interrupted = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()  # at once: a timer would come after what the task does when it wakes up
            return
        with suppress(RuntimeError):  # it closes itself; its time may be over already
            self._bound.reschedule(0)

    async def within(self, work: Callable[[], Awaitable[ResultT]], until: float | None = None) -> ResultT:
        """What `work` returns, unless the time for all of it is over, or `until` on the loop's clock, or it is closed."""
        if self._bound is not None:
            raise RuntimeError("The stream is being read by another task")
        if self.closed:
            raise KaiClosedError("The stream was closed", "closed")
        if self._deadline is None and self._total is not None:
            self._deadline = asyncio.get_running_loop().time() + self._total
        ends = [moment for moment in (self._deadline, until) if moment is not None]
        bound = asyncio.timeout_at(min(ends, default=None))
        task = self._task = asyncio.current_task()
        before = task.cancelling() if task is not None else 0
        try:
            async with bound as self._bound:
                return await work()
        except asyncio.CancelledError as error:
            if self._interrupted and task is not None and task.uncancel() <= before:
                raise KaiClosedError("The stream was closed while it was being read", "closed") from error
            raise
        except TimeoutError as error:
            if not bound.expired():
                raise  # the work's own
            if self.closed:
                raise KaiClosedError("The stream was closed while it was being read", "closed") from error
            raise KaiTimeoutError(f"No whole answer within {self._total} s in all", "timeout:total") from error
        finally:
            if self._interrupted and task is not None and task.cancelling() > before:
                task.uncancel()  # the work ended in another way meanwhile
            self._bound = self._task = None
            self._interrupted = False
