"""A wait that ends in the very callback in which the bytes arrive.

asyncio's own futures have their waiters run in the next round of the event loop: for a stream that comes token by token every
token takes two rounds then, and two looks at what the kernel has, which is more than all that is done with it.
"""

import asyncio
from collections.abc import Callable, Generator
from contextvars import Context
from typing import Final, TypeAlias

__all__ = ["Arrival"]

_GoOn: TypeAlias = Callable[["Arrival"], object]


class Arrival:
    """Await it in one task at a time, as often as you like. `wake` ends the wait, and the task goes on before `wake` returns.

    It is none of asyncio's futures, of which every wait would need a new one, but what a task takes for one: an object with
    `_asyncio_future_blocking` and the methods at the end. Raises `RuntimeError` for a second task.
    """

    _asyncio_future_blocking: bool = False
    """Set by whom a task must wait for, reset by the task: so asyncio tells an `await` from a `yield`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop: Final = loop
        self._waiting: tuple[_GoOn, Context | None] | None = None
        """What has the task go on, and where; None as soon as that is settled."""
        self._error: Exception | asyncio.CancelledError | None = None

    def __await__(self) -> Generator["Arrival", None, None]:
        if self._waiting is not None:
            raise RuntimeError("Another task waits for this already")
        self._asyncio_future_blocking = True
        yield self

    def wake(self) -> None:
        """Something is there. Not in the middle of another task: then the task goes on in the next round."""
        waiting = self._waiting
        if waiting is None:
            return
        self._waiting = None
        go_on, context = waiting
        loop = self._loop
        if context is None or asyncio.current_task(loop) is not None:
            loop.call_soon(go_on, self, context=context)
        else:
            context.run(go_on, self)

    def fail(self, error: Exception | asyncio.CancelledError) -> bool:
        """Nothing will be there: `error` is raised where it is awaited. False if nobody waits, or is about to go on."""
        waiting, self._waiting = self._waiting, None
        if waiting is None:
            return False
        self._error = error
        go_on, context = waiting
        self._loop.call_soon(go_on, self, context=context)
        return True

    # What a task calls, and anyio of whatever tasks wait for.

    def get_loop(self) -> asyncio.AbstractEventLoop:
        """The loop of the one who may await it."""
        return self._loop

    def done(self) -> bool:
        """Whether the task is about to go on."""
        return self._waiting is None

    def add_done_callback(self, fn: _GoOn, /, *, context: Context | None = None) -> None:
        """A task begins to wait: call `fn` when it may go on."""
        self._waiting = fn, context

    def result(self) -> None:
        """It goes on, or gets the error."""
        error, self._error = self._error, None
        try:
            if error is not None:
                raise error
        finally:
            del error  # its traceback has this frame

    def cancel(self, msg: object = None) -> bool:
        """The task was cancelled, with `msg`. False where it goes on anyway, and finds out then."""
        return self.fail(asyncio.CancelledError() if msg is None else asyncio.CancelledError(msg))
