"""The body of a stream, read past the HTTP parser."""

import asyncio
import weakref
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress
from typing import cast

import httpx

from kai_client.transport.chunked import LAST, Chunks

from .wire import Wire

__all__ = ["ChunkedBody"]


class ChunkedBody(httpx.AsyncByteStream):
    """What is in the chunks of an answer, as soon as it arrives.

    httpcore and h11 take a dozen steps for each piece, which is more than everything else that is done with an event. So the
    plain chunks are undone here. At the last one, and at whatever is not plain or went wrong, `whole` goes on, which is the
    body as httpx gives it: for the HTTP parser below it the body begins there.

    `idle` is how many seconds a read may wait; time in which nobody reads does not count. A timer for each piece would cost
    as much as the piece: there is one at a time, which finds out when it comes how long the present read has been waiting.
    """

    def __init__(self, wire: Wire, whole: httpx.AsyncByteStream, idle: float | None) -> None:
        self._wire = wire
        self._arrived = wire.arrived
        self._chunks = Chunks()
        self._whole = whole
        self._rest = cast("AsyncGenerator[bytes]", aiter(whole))
        self._plain = True
        self._idle = idle
        self._loop = asyncio.get_running_loop()
        self._since: float | None = None
        """Since when the present read has been waiting."""
        self._timer: asyncio.TimerHandle | None = None

    async def read(self) -> bytes:
        """The next bytes; at the end `StopAsyncIteration`. Raises httpx's exceptions."""
        while self._plain:
            if self._arrived:
                data = self._chunks.feed(self._wire.take())
                if self._chunks.stopped:
                    self._go_on_with_the_rest()
                if data:
                    return data
            elif self._wire.ended:
                self._go_on_with_the_rest()
            else:
                self._since = self._loop.time()
                if self._timer is None:
                    self._watch()
                try:
                    await self._wire.arrival
                finally:
                    self._since = None
        return await anext(self._rest)

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        with suppress(StopAsyncIteration):
            while True:
                yield await self.read()

    async def aclose(self) -> None:
        """Give the connection back, or close it if there is more to come. Closing twice is fine."""
        self._unwatch()
        try:
            await self._rest.aclose()
        finally:
            await self._whole.aclose()

    def _go_on_with_the_rest(self) -> None:
        self._plain = False
        self._unwatch()
        rest = self._chunks.rest
        # The parser would keep what follows the end for the answer to the next request.
        self._wire.unclean = rest != LAST
        self._wire.give_back(rest)

    def _watch(self) -> None:
        if self._idle is not None and self._since is not None:
            # Weakly: a body that was dropped must not live on in the event loop.
            self._timer = self._loop.call_at(self._since + self._idle, _call, weakref.WeakMethod(self._looked))

    def _unwatch(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _looked(self) -> None:
        """See whether the present read has been waiting for too long; without one the next sets the timer."""
        self._timer = None
        if self._since is None or self._idle is None:
            return
        if self._loop.time() < self._since + self._idle:
            self._watch()
        else:
            self._wire.arrival.fail(httpx.ReadTimeout("Nothing of the body in time"))


def _call(method: "weakref.WeakMethod[Callable[[], None]]") -> None:
    function = method()
    if function is not None:
        function()
