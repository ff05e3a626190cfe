"""What asyncio is to tasks that wait, for threads that block: how long a wait may take, and who may end it.

A thread that blocks cannot be cancelled. So whatever waits asks here how long it may (`left`), says that it waits
(`Stop.enter`), and is woken where somebody has stopped it. The twins of the async rooms know this module under the name that
`asyncio` has there.
"""

import threading
import time
from types import TracebackType
from typing import Protocol, Self

from kai_client.exceptions import KaiClosedError, KaiTimeoutError

__all__ = ["CancelledError", "Stop", "Timeout", "check", "entered", "left", "sleep", "timeout", "timeout_at"]

CancelledError = KeyboardInterrupt
"""What ends the work of a thread in the middle."""


class Interruptible(Protocol):
    """Something that blocks a thread."""

    def interrupt(self) -> None:
        """Block it no more. Called by another thread; must not wait."""
        ...


class Stop:
    """Ends waits from another thread, once and for all: those that go on, and those that would begin later."""

    def __init__(self) -> None:
        self.is_set: bool = False
        self._lock = threading.Lock()
        self._waits: set[Interruptible] = set()

    def set(self) -> None:
        """End them."""
        with self._lock:
            self.is_set = True
            for wait in self._waits:
                wait.interrupt()

    def enter(self, wait: Interruptible) -> bool:
        """Begin to wait, and `leave`, come what may; False where it is stopped already."""
        with self._lock:
            self._waits.add(wait)
            return not self.is_set

    def leave(self, wait: Interruptible) -> None:
        """Wait no more: from here on the wait is not interrupted."""
        with self._lock:
            self._waits.discard(wait)


class _Current(threading.local):
    """What bounds the waits of a thread."""

    ends: float | None = None
    stop: Stop | None = None


_CURRENT = _Current()


class Timeout:
    """Bounds the waits of a block, on the clock of `time.monotonic`. Where one was too long, the block raises `TimeoutError`."""

    def __init__(self, ends: float | None) -> None:
        self._ends = ends
        self._outer: float | None = None

    def expired(self) -> bool:
        """Whether the time is over."""
        return self._ends is not None and time.monotonic() >= self._ends

    def __enter__(self) -> Self:
        self._outer = _CURRENT.ends
        ends = [moment for moment in (self._ends, self._outer) if moment is not None]
        _CURRENT.ends = min(ends, default=None)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        _CURRENT.ends = self._outer
        if isinstance(error, KaiTimeoutError | TimeoutError) and self.expired():
            raise TimeoutError from error


def timeout(seconds: float | None) -> Timeout:
    """`seconds` from now on; None for ever."""
    return Timeout(None if seconds is None else time.monotonic() + seconds)


def timeout_at(moment: float | None) -> Timeout:
    """Until `moment`."""
    return Timeout(moment)


def entered(stop: Stop | None) -> Stop | None:
    """Have `stop` end the waits of this thread from now on; returns what did before."""
    before, _CURRENT.stop = _CURRENT.stop, stop
    return before


def current_stop() -> Stop | None:
    """What may end the waits of this thread."""
    return _CURRENT.stop


def left(seconds: float | None) -> float | None:
    """How much of `seconds` a wait that begins now may take; 0 where the time is over."""
    ends = _CURRENT.ends
    if ends is None:
        return seconds
    rest = max(0.0, ends - time.monotonic())
    return rest if seconds is None else min(rest, seconds)


def check() -> None:
    """Raise `KaiClosedError` or `KaiTimeoutError` where whatever this thread works for was closed, or its time is over."""
    stop = _CURRENT.stop
    if stop is not None and stop.is_set:
        raise KaiClosedError("The stream was closed while it was being read", "closed")
    if left(None) == 0:
        raise KaiTimeoutError("The time for all of it is over", "timeout:total")


def sleep(seconds: float, closing: Stop) -> None:
    """Wait, unless `closing` is set or ends it. Raises as `check` does."""
    alarm, stop = _Alarm(), _CURRENT.stop
    try:
        if closing.enter(alarm) and (stop is None or stop.enter(alarm)):
            alarm.event.wait(left(seconds))
    finally:
        closing.leave(alarm)
        if stop is not None:
            stop.leave(alarm)
    check()


class _Alarm:
    def __init__(self) -> None:
        self.event = threading.Event()

    def interrupt(self) -> None:
        self.event.set()
