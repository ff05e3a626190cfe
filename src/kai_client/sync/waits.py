"""What asyncio is to tasks that wait, for threads that block: how long a wait may take, and who may end it.

A thread that blocks cannot be cancelled. So whatever waits asks here how long it may (`left`), says that it waits
(`Stop.enter`), and is woken where somebody has stopped it.

Ctrl-C may come between any two steps, and a notebook goes on afterwards in the same thread. So what bounds a thread is set
and put back by plain assignments, in the function whose `try` has the wait: Python handles signals when it calls something,
`__exit__` for instance.
"""

import queue
import threading
import time
from collections.abc import Callable
from typing import Final, Protocol, TypeVar

from kai_client.exceptions import KaiClosedError, KaiTimeoutError
from kai_client.transport.timeouts import Timeouts

__all__ = ["CURRENT", "BusyError", "Stop", "check", "left", "shortened", "sleep", "until", "within"]

_MOMENT: Final = 0.001

ResultT = TypeVar("ResultT")


class BusyError(RuntimeError):
    """Another thread reads this stream: nothing has failed."""


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
    ends: float | None = None
    """On the clock of `time.monotonic`."""
    stops: tuple[Stop, ...] = ()
    """One in another: a tool of a run may read a stream of its own."""


CURRENT: Final = _Current()
"""What bounds the waits of a thread. Whoever sets it puts it back."""


def within(seconds: float | None, work: Callable[[], ResultT]) -> ResultT:
    """What `work` returns; None is for ever. Raises as `until` does."""
    return until(None if seconds is None else time.monotonic() + seconds, work)


def until(moment: float | None, work: Callable[[], ResultT]) -> ResultT:
    """What `work` returns, whose waits end at this moment. Raises `TimeoutError` where one was too long."""
    outer = CURRENT.ends
    ends = [each for each in (moment, outer) if each is not None]
    try:
        CURRENT.ends = min(ends, default=None)
        return work()
    except (KaiTimeoutError, TimeoutError) as error:
        if moment is not None and time.monotonic() >= moment:
            raise TimeoutError from error
        raise
    finally:
        CURRENT.ends = outer


def left(seconds: float | None) -> float | None:
    """How much of `seconds` a wait that begins now may take; 0 where the time is over."""
    ends = CURRENT.ends
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
    if any(stop.is_set for stop in CURRENT.stops):
        raise KaiClosedError("The stream was closed while it was being read", "closed")
    if left(None) == 0:
        raise KaiTimeoutError("The time for all of it is over", "timeout:total")


def sleep(seconds: float, closing: Stop) -> None:
    """Wait, unless `closing` is set or ends it. Raises as `check` does."""
    alarm, stops = _Alarm(), (closing, *CURRENT.stops)
    try:
        if all(stop.enter(alarm) for stop in stops):
            alarm.wait(left(seconds))
    finally:
        for stop in stops:
            stop.leave(alarm)
    check()


class _Alarm:
    """A `threading.Event` would not do: its lock is in the way of a signal handler that sets it."""

    def __init__(self) -> None:
        self._rung: queue.SimpleQueue[None] = queue.SimpleQueue()

    def wait(self, seconds: float | None) -> None:
        try:
            self._rung.get(timeout=seconds)
        except queue.Empty:
            return

    def interrupt(self) -> None:
        self._rung.put(None)
