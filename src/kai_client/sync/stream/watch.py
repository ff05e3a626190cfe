"""How long a stream may wait: its total time, and a close from another thread that ends any wait."""

import contextlib
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from kai_client.exceptions import KaiClosedError, KaiTimeoutError
from kai_client.sync.waits import Stop, Timeout, entered, timeout_at

ResultT = TypeVar("ResultT")

__all__ = ["Watch", "drop"]


class Watch:
    """Bounds every wait of one stream. `total` is in seconds and counts from the first wait; one thread waits at a time."""

    def __init__(self, total: float | None) -> None:
        self._total = total
        self._deadline: float | None = None
        self._stop = Stop()
        self._before: Stop | None = None
        self._lock = threading.Lock()
        self._waits = False

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

        True where there was one: whoever waits is told, and gives the connection back.
        """
        with self._lock:
            self._stop.set()
            return self._waits

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
        entered(self._before)
        with self._lock:
            self._waits = False
            closed = self._stop.is_set
        if not closed:
            return
        error = sys.exception()
        if error is None or (isinstance(error, Exception) and not isinstance(error, KaiClosedError)):
            raise KaiClosedError("The stream was closed while it was being read", "closed") from error

    def within(self, work: Callable[[], ResultT], until: float | None = None) -> ResultT:
        """What `work` returns, unless the time for all of it is over, or `until` on the clock, or it is closed."""
        self.begin()
        try:
            bound = self._bound(until)
            if bound is None:
                return work()
            try:
                with bound:
                    return work()
            except TimeoutError as error:
                if not bound.expired():
                    raise  # the work's own
                raise KaiTimeoutError(f"No whole answer within {self._total} s in all", "timeout:total") from error
        finally:
            self.end()

    def _bound(self, until: float | None) -> Timeout | None:
        if self._total is not None and self._deadline is None:
            self._deadline = self.now() + self._total
        ends = [moment for moment in (self._deadline, until) if moment is not None]
        return timeout_at(min(ends)) if ends else None


def drop(events: Iterator[object]) -> None:
    """Have nothing more come of `events`, whoever iterates over them."""
    if isinstance(events, Generator):
        with contextlib.suppress(ValueError):  # another thread is in it just now, and finds the stream closed afterwards
            events.close()
