"""What asyncio is to tasks that wait, for threads that block: how long a wait may take, and who may end it.

A thread that blocks cannot be cancelled. So whatever waits asks here how long it may (`left`), says that it waits
(`Stop.enter`), and is woken where somebody has stopped it. The twins of the async rooms know this module under the name that
`asyncio` has there.
"""

import threading
import time
from types import TracebackType
from typing import Final, Protocol, Self

from kai_client.exceptions import KaiClosedError, KaiTimeoutError
from kai_client.transport.timeouts import Timeouts

__all__ = [
    "CancelledError",
    "Stop",
    "Timeout",
    "check",
    "current_stops",
    "entered",
    "left",
    "restore",
    "shortened",
    "sleep",
    "timeout",
    "timeout_at",
]

_MOMENT: Final = 0.001

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
        self._lock = threading.RLock()  # a signal handler may come in between, in the thread that holds it
        self._waits: set[Interruptible] = set()

    def set(self) -> None:
        """End them."""
        with self._lock:
            self.is_set = True
            for wait in list(self._waits):
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
    stops: tuple[Stop, ...] = ()
    """One in another: a tool of a run may read a stream of its own."""


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


def entered(stop: Stop) -> tuple[Stop, ...]:
    """Have `stop`, too, end the waits of this thread from now on; returns what did before, for `restore`."""
    before = _CURRENT.stops
    _CURRENT.stops = (*before, stop)
    return before


def restore(stops: tuple[Stop, ...]) -> None:
    """Have these end the waits of this thread from now on, and no others."""
    _CURRENT.stops = stops


def current_stops() -> tuple[Stop, ...]:
    """What may end the waits of this thread."""
    return _CURRENT.stops


def left(seconds: float | None) -> float | None:
    """How much of `seconds` a wait that begins now may take; 0 where the time is over."""
    ends = _CURRENT.ends
    if ends is None:
        return seconds
    rest = max(0.0, ends - time.monotonic())
    return rest if seconds is None else min(rest, seconds)


def shortened(timeouts: Timeouts) -> Timeouts:
    """For an HTTP client that asks nobody here: no wait longer than what is left when the request begins."""
    rest = left(None)
    return timeouts if rest is None else timeouts.at_most(max(rest, _MOMENT))


def check() -> None:
    """Raise `KaiClosedError` or `KaiTimeoutError` where whatever this thread works for was closed, or its time is over."""
    if any(stop.is_set for stop in _CURRENT.stops):
        raise KaiClosedError("The stream was closed while it was being read", "closed")
    if left(None) == 0:
        raise KaiTimeoutError("The time for all of it is over", "timeout:total")


def sleep(seconds: float, closing: Stop) -> None:
    """Wait, unless `closing` is set or ends it. Raises as `check` does."""
    alarm, stops = _Alarm(), (closing, *_CURRENT.stops)
    try:
        if all(stop.enter(alarm) for stop in stops):
            alarm.event.wait(left(seconds))
    finally:
        for stop in stops:
            stop.leave(alarm)
    check()


class _Alarm:
    def __init__(self) -> None:
        self.event = threading.Event()

    def interrupt(self) -> None:
        self.event.set()
