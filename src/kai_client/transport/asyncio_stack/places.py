"""How many requests are on their way at once: httpcore's pool has no place for those that wait, see `attempt`."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx

from .attempt import sent, uninterrupted

__all__ = ["Places"]


class Places:
    """At most `most` requests are on their way through `send`, from their beginning until their response is closed."""

    def __init__(self, send: Callable[[httpx.Request], Awaitable[httpx.Response]], most: int) -> None:
        self._send = send
        self._free = asyncio.Semaphore(most)

    async def send(self, request: httpx.Request) -> httpx.Response:
        """The response, its head read. Raises what `send` raises, and `httpx.PoolTimeout` where no place gets free."""
        try:
            async with asyncio.timeout(request.extensions.get("timeout", {}).get("pool")):
                await self._free.acquire()
        except TimeoutError as error:
            raise httpx.PoolTimeout("No free connection in time", request=request) from error
        try:
            response = await sent(self._send, request)
        except BaseException:
            self._free.release()
            raise
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _Held(response.stream, self._free.release)
        return response


class _Held(httpx.AsyncByteStream):
    """A body whose end makes a place free."""

    def __init__(self, body: httpx.AsyncByteStream, release: Callable[[], None]) -> None:
        self._body = body
        self._release: Callable[[], None] | None = release

    async def __aiter__(self) -> AsyncGenerator[bytes]:
        async for piece in self._body:
            yield piece

    async def aclose(self) -> None:
        """Give the connection back. Closing twice is fine."""
        release, self._release = self._release, None
        try:
            await uninterrupted(self._body.aclose())
        finally:
            if release is not None:
                release()
