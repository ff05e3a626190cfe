"""A wait that ends in the very callback in which the bytes arrive.

asyncio's own futures have their waiters run in the next round of the event loop: for a stream that comes token by token every
token takes two rounds then, and two looks at what the kernel has, which is more than all that is done with it.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from typing import Any, Self

__all__ = ["Arrival"]


class Arrival(asyncio.Future[None]):
    """Await it in one task, once. `wake` ends the wait, and the task goes on before `wake` returns."""

    _waiting: tuple[Callable[[Any], object], Context | None] | None = None

    def wake(self) -> None:
        """Something is there. Not in the middle of another task: then the task goes on in the next round."""
        if self.done():
            return
        self.set_result(None)
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return
        go_on, context = waiting
        if context is None or asyncio.current_task() is not None:
            self.get_loop().call_soon(go_on, self, context=context)
        else:
            context.run(go_on, self)

    def fail(self, error: Exception) -> None:
        """Nothing will be there: `error` is raised where it is awaited."""
        self.set_exception(error)
        self._later()

    def add_done_callback(self, fn: Callable[[Self], object], /, *, context: Context | None = None) -> None:
        """What a task that awaits this calls."""
        if self._waiting is None and not self.done():
            self._waiting = fn, context
        else:
            super().add_done_callback(fn, context=context)

    def remove_done_callback(self, fn: Callable[[Self], object], /) -> int:
        """Not to call `fn`."""
        if self._waiting is not None and self._waiting[0] == fn:
            self._waiting = None
            return 1
        return super().remove_done_callback(fn)

    def cancel(self, msg: Any | None = None) -> bool:
        """The task that awaits this is cancelled."""
        cancelled = super().cancel(msg)
        if cancelled:
            self._later()
        return cancelled

    def _later(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.get_loop().call_soon(waiting[0], self, context=waiting[1])
