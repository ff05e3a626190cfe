"""How long a stream may wait: its total time, and a close from another thread that ends any wait."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from kai_client.exceptions import KaiClosedError, KaiTimeoutError
from kai_client.sync.waits import Stop, Timeout, entered, restore, timeout_at

ResultT = TypeVar("ResultT")

__all__ = ["Watch", "drop"]


class Watch:
    """Bounds every wait of one stream. `total` is in seconds and counts from the first wait; one thread waits at a time."""

    def __init__(self, total: float | None) -> None:
        self._total = total
        self._deadline: float | None = None
        self._stop = Stop()
        self._before: tuple[Stop, ...] = ()
        self._lock = threading.RLock()  # a signal handler may close the stream, in the thread that holds it
        self._waits = False
        self._given_back = False

    @property
    def closed(self) -> bool:
        """Whether it was closed."""
        return self._stop.is_set

    @property
    def is_timed(self) -> bool:
        """Whether the time for all of it is limited: then a wait must be `within` it."""
        return self._total is not None

    @property
    def waits(self) -> bool:
        """Whether a thread waits here now."""
        return self._waits

    def close(self) -> bool:
        """End the wait that goes on, if one does, with a `KaiClosedError`: it does nothing more. Later ones are refused.

        False for whoever is to give the connection back now: nobody else waits, and nobody else was told so.
        """
        with self._lock:
            self._stop.set()
            if self._waits or self._given_back:
                return True
            self._given_back = True
            return False

    @staticmethod
    def now() -> float:
        """The time on the clock of `within`, in seconds."""
        return time.monotonic()

    def begin(self) -> None:
        """A wait begins; `end` it, come what may."""
        with self._lock:
            if self._waits:
                raise RuntimeError("The stream is being read by another thread")
            if self._stop.is_set:
                raise KaiClosedError("The stream was closed", "closed")
            self._waits = True
        self._before = entered(self._stop)

    def end(self) -> None:
        """The wait has ended. Raises `KaiClosedError` where it was closed meanwhile."""
        if not self._leave():
            return
        error = sys.exception()
        if error is None or (isinstance(error, Exception) and not isinstance(error, KaiClosedError)):
            raise KaiClosedError("The stream was closed while it was being read", "closed") from error

    def within(self, work: Callable[[], ResultT], until: float | None = None) -> ResultT:
        """What `work` returns, unless the time for all of it is over, or `until` on the clock, or it is closed.

        What was done when it was closed is returned all the same: it may hold a connection, which is given back later.
        """
        self.begin()
        try:
            result = self._done(work, self._bound(until))
        except BaseException:
            self.end()
            raise
        self._leave()
        return result

    def _done(self, work: Callable[[], ResultT], bound: Timeout | None) -> ResultT:
        if bound is None:
            return work()
        try:
            with bound:
                return work()
        except TimeoutError as error:
            if not bound.expired():
                raise  # the work's own
            raise KaiTimeoutError(f"No whole answer within {self._total} s in all", "timeout:total") from error

    def _leave(self) -> bool:
        """Wait no more; whether it was closed before."""
        restore(self._before)
        with self._lock:
            self._waits = False
            return self._stop.is_set

    def _bound(self, until: float | None) -> Timeout | None:
        if self._total is not None and self._deadline is None:
            self._deadline = self.now() + self._total
        ends = [moment for moment in (self._deadline, until) if moment is not None]
        return timeout_at(min(ends)) if ends else None


def drop(events: Iterator[object]) -> None:
    """Have nothing more come of `events`, whoever iterates over them."""
    if isinstance(events, Generator):
        # A ValueError: another thread is in it just now, and finds the stream closed afterwards.
        with contextlib.suppress(ValueError):
            events.close()
