"""How a response's connection is given back: once, by any thread, a signal handler or the garbage collector."""

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Final, cast

import httpx

from .network import NetworkStream
from .waits import Stop, check, left

__all__ = ["Bodies", "Body", "ExitStack", "Inner", "Places"]

_LOOK: Final = 0.05
"""How often, in seconds, whoever waits for a place looks whether it still should."""


class ExitStack(contextlib.ExitStack):
    """One that several threads may close at the same time."""

    def __init__(self) -> None:
        super().__init__()
        self._mine = threading.RLock()

    def close(self) -> None:
        """Each of its callbacks runs once."""
        with self._mine:
            taken = self.pop_all()
        super(ExitStack, taken).close()


class Places:
    """At most `most` requests are on their way, from their beginning until their response is closed."""

    def __init__(self, most: int, closing: Stop) -> None:
        self._fresh = iter(range(most))
        self._free: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._closing = closing

    def take(self, seconds: float | None) -> list[int]:
        """A place to be given back, as soon as there is one. Raises `httpx.PoolTimeout` after so many seconds, and `KaiError` as `waits` does."""
        with contextlib.suppress(queue.Empty):
            return [self._free.get_nowait()]
        if (place := next(self._fresh, None)) is not None:
            return [place]
        ends = None if seconds is None else time.monotonic() + seconds
        while not self._closing.is_set:
            rest = _LOOK if ends is None else min(_LOOK, ends - time.monotonic())
            if rest <= 0:
                break
            check()
            with contextlib.suppress(queue.Empty):
                return [self._free.get(timeout=left(rest))]
        raise httpx.PoolTimeout("No free connection in time")

    def give_back(self, taken: list[int]) -> None:
        """Somebody else may have it. Giving it back twice is fine."""
        with contextlib.suppress(IndexError):
            self._free.put(taken.pop())


class Bodies:
    """The bodies of responses that nobody has closed yet.

    Giving one back takes the pool's lock. A signal handler may come, and the garbage collector may find a response that was
    dropped, in the very thread that has it: then it is given back as soon as that thread has let go of the lock, and the
    server is told at once.
    """

    def __init__(self) -> None:
        lock = threading.RLock()
        self.lock: contextlib.AbstractContextManager[bool] = lock
        """For the pool. The pool does not need one that can be taken twice: this one knows who has it, and Ctrl-C cannot come
        between its release and whoever wants it released."""
        # `threading.Condition` asks it, too.
        self._is_mine = cast("Callable[[], bool]", lock._is_owned)  # type: ignore[attr-defined]  # noqa: SLF001
        self._open: set[Inner] = set()
        """What keeps the generators of httpcore, which take the lock when they are collected, out of the collector's hands."""
        self._late: deque[Callable[[], None]] = deque()

    def keep(self, inner: "Inner") -> "Body":
        """What it reads from; it is given back when that is closed, or when nobody has it any more."""
        self._open.add(inner)
        return Body(self, inner)

    def give_back(self, inner: "Inner") -> None:
        """Once."""
        try:
            self._open.remove(inner)
        except KeyError:
            return
        except BaseException:
            inner.abandon()
            raise
        try:
            if self._is_mine():
                inner.interrupt()
                self._late.append(inner.close)
            else:
                inner.close()
                self.catch_up()
        except BaseException:
            inner.abandon()
            raise

    def run(self, work: Callable[[], None]) -> None:
        """Now, or later where this thread has the lock."""
        if self._is_mine():
            self._late.append(work)
        else:
            work()
            self.catch_up()

    def catch_up(self) -> None:
        """Do what had to wait."""
        while self._late:
            with contextlib.suppress(IndexError):  # another thread was faster
                self._late.popleft()()


class Inner:
    """What is behind a `Body`, and has to be closed. `release` may be called more than once."""

    def __init__(
        self,
        body: httpx.SyncByteStream,
        pieces: Iterator[bytes],
        network: NetworkStream | None,
        release: Callable[[], None],
    ) -> None:
        self.pieces = pieces
        self._body = body
        self._network = network
        self._release = release

    def interrupt(self) -> None:
        """Tell the server that nobody reads on."""
        if self._network is not None:
            self._network.interrupt()

    def close(self) -> None:
        """Give the connection back."""
        try:
            self._body.close()
        finally:
            self._release()

    def abandon(self) -> None:
        """Close the connection, come what may of its pool: whoever was closing it was interrupted."""
        try:
            if self._network is not None:
                self._network.close()
        finally:
            self._release()


class Body(httpx.SyncByteStream):
    """The body of a response. It is read once."""

    def __init__(self, bodies: Bodies, inner: Inner) -> None:
        self._bodies = bodies
        self._inner = inner

    def __iter__(self) -> Iterator[bytes]:
        return self._inner.pieces

    def close(self) -> None:
        """Give the connection back; closing twice is fine."""
        self._bodies.give_back(self._inner)

    def __del__(self) -> None:
        if hasattr(self, "_inner"):
            self.close()
