"""The body of an answer as it arrives, and how long to wait for more of it."""

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

import aiohttp
import httpx

from .errors import in_body

__all__ = ["Body"]


class Body(httpx.AsyncByteStream):
    """The raw bytes of a response, whose connection goes back to the pool when the last one has arrived, or is closed.

    `idle` is how many seconds a read may wait; time in which nobody reads does not count. A timer for each piece would cost
    more than the piece, so there is one for all: it looks once in a while how long the present read has been waiting.
    """

    def __init__(self, response: aiohttp.ClientResponse, idle: float | None) -> None:
        self._response = response
        self._content = response.content
        self._readany = response.content.readany
        self._loop = asyncio.get_running_loop()
        self._time = self._loop.time
        self._idle = idle
        self._since: float | None = None
        """Since when the present read has been waiting."""
        self._timer: asyncio.TimerHandle | None = None
        self._timed = True
        """Whether aiohttp's timer for each piece is on, as it is for the head."""
        self._reason: Exception | None = None
        """Why we ended it ourselves."""
        self._over = False
        connection = response.connection
        self._protocol = None if connection is None else connection.protocol
        """The connection, if there is more to come."""
        self._untimed()

    async def read(self) -> bytes:
        """The next bytes as soon as there are any; at the end `StopAsyncIteration`. Raises httpx's exceptions."""
        if self._timer is None:
            self._watch()
        self._since = self._time()
        try:
            data = await self._readany()
        except BaseException as error:
            self._since = None
            if not isinstance(error, Exception):
                self._untimed()
                raise
            failure = self._reason or in_body(error, self._lost())
            if left := self._left(failure):
                return left
        else:
            self._since = None
            if data:
                if self._timed:
                    self._untimed()
                return data
            self._unwatch()
            if not self._cut():
                raise StopAsyncIteration
            failure = in_body(EOFError(), self._lost())
        self._end()
        raise failure  # not in the handler: see errors.py

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        with suppress(StopAsyncIteration):
            while True:
                yield await self.read()

    async def aclose(self) -> None:
        """Free the connection: it is closed at once if there is more to come. Closing twice is fine."""
        if self._end():
            await asyncio.sleep(0)  # the event loop closes the socket now

    def fail(self, reason: Exception) -> None:
        """End it: whoever reads gets `reason`."""
        self._reason = reason
        self._content.set_exception(reason)

    def _left(self, failure: Exception) -> bytes:
        """What arrived before `failure`, which is for the next read; aiohttp would throw it away."""
        if self._reason is not None:
            return b""
        self._reason = failure
        self._readany = self._failed
        self._content.set_exception(None)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType] - so it gives it out
        return self._content.read_nowait()

    async def _failed(self) -> bytes:
        raise self._reason or RuntimeError

    def _untimed(self) -> None:
        """Go on without aiohttp's timer for each piece."""
        self._timed = False
        if self._protocol is not None:
            self._protocol.read_timeout = None
            self._protocol.start_timeout()

    def _time_each(self, left: float) -> None:
        """Have aiohttp end the wait in `left` seconds, or `idle` seconds after the next byte of whatever kind."""
        self._timed = True
        if self._protocol is not None:
            self._protocol.read_timeout = left
            self._protocol.start_timeout()
            self._protocol.read_timeout = self._idle

    def _lost(self) -> BaseException | None:
        """What ended the connection, where it was no orderly end."""
        return None if self._protocol is None else self._protocol.exception()

    def _cut(self) -> bool:
        """Whether the end is one only because the connection broke: such a body has no other end than the connection's."""
        headers = self._response.headers
        endless = "content-length" not in headers and "chunked" not in headers.get("transfer-encoding", "").lower()
        return endless and isinstance(self._lost(), OSError)

    def _end(self) -> bool:
        """Whether a connection had to be closed."""
        self._unwatch()
        if self._over:
            return False
        self._over = True
        unfinished = self._response.connection is not None
        self._response.close()
        return unfinished

    def _watch(self) -> None:
        """Look at a read when half of its time is over."""
        if self._idle is not None and not self._over:
            when = (self._time() if self._since is None else self._since) + self._idle / 2
            # Weakly: a body that was dropped must not live on in the event loop.
            self._timer = self._loop.call_at(when, _call, weakref.WeakMethod(self._looked))

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _looked(self) -> None:
        """See whether a read has been waiting long."""
        self._timer = None
        if self._since is None or self._idle is None:
            return  # the next read sets the timer again
        waited = self._time() - self._since
        if waited < self._idle / 2:
            self._watch()
        else:
            # It is rare that a read waits so long: now every byte may count, those that are no content, too.
            self._time_each(self._idle - waited)


def _call(method: "weakref.WeakMethod[Callable[[], None]]") -> None:
    function = method()
    if function is not None:
        function()
