"""How long a stream may wait: its total time, and a close from another thread that ends any wait."""

import contextlib
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import TypeVar

from kai_client.exceptions import KaiClosedError, KaiTimeoutError
from kai_client.sync.waits import CURRENT, BusyError, Stop, until

ResultT = TypeVar("ResultT")

__all__ = ["Watch", "drop"]


class Watch:
    """Bounds every wait of one stream. `total` is in seconds and counts from the first wait; one thread waits at a time."""

    def __init__(self, total: float | None) -> None:
        self._total = total
        self._deadline: float | None = None
        self._stop = Stop()
        self._lock = threading.RLock()  # a signal handler may close the stream, in the thread that holds it
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
        self._stop.set()
        return self._waits

    @staticmethod
    def now() -> float:
        """The time on the clock of `within`, in seconds."""
        return time.monotonic()

    def piece(self, quick: Callable[[], bytes], ended_with: Callable[[Exception], None]) -> bytes | None:
        """What `quick` returns; None where it raises, after `ended_with` was told: `within`, in fewer steps.

        Raises `KaiClosedError` where it was closed meanwhile, whatever came of it.
        """
        before, waits = CURRENT.stops, False
        data: bytes | None = None
        try:
            with self._lock:
                self._refuse()
                self._waits = waits = True
            CURRENT.stops = (*before, self._stop)
            data = quick()
        except Exception as error:
            if not waits:
                raise
            ended_with(error)
        finally:
            if waits:  # no calls here: see `waits`
                CURRENT.stops = before
                self._waits = False
        if self._stop.is_set:
            raise KaiClosedError("The stream was closed while it was being read", "closed")
        return data

    def within(self, work: Callable[[], ResultT], until: float | None = None) -> ResultT:
        """What `work` returns, unless the time for all of it is over, or `until` on the clock, or it is closed.

        What was done when it was closed is returned all the same: it may hold a connection, which is given back later.
        """
        try:
            return self._waited(lambda: self._timed(work, until))
        except Exception as error:
            if not self._stop.is_set or isinstance(error, KaiClosedError):
                raise
            raise KaiClosedError("The stream was closed while it was being read", "closed") from error

    def _waited(self, work: Callable[[], ResultT]) -> ResultT:
        before, waits = CURRENT.stops, False
        try:
            with self._lock:
                self._refuse()
                self._waits = waits = True
            CURRENT.stops = (*before, self._stop)
            return work()
        finally:
            if waits:
                CURRENT.stops = before
                self._waits = False

    def _refuse(self) -> None:
        if self._waits:
            raise BusyError("The stream is being read by another thread, or by this one further out")
        if self._stop.is_set:
            raise KaiClosedError("The stream was closed", "closed")

    def _timed(self, work: Callable[[], ResultT], ends: float | None) -> ResultT:
        if self._total is not None and self._deadline is None:
            self._deadline = self.now() + self._total
        moments = [moment for moment in (self._deadline, ends) if moment is not None]
        if not moments:
            return work()
        try:
            return until(min(moments), work)
        except TimeoutError as error:
            if self.now() < min(moments):
                raise  # the work's own
            raise KaiTimeoutError(f"No whole answer within {self._total} s in all", "timeout:total") from error


def drop(events: Iterator[object]) -> None:
    """Have nothing more come of `events`, whoever iterates over them."""
    if isinstance(events, Generator):
        # A ValueError: another thread is in it just now, and finds the stream closed afterwards.
        with contextlib.suppress(ValueError):
            events.close()
