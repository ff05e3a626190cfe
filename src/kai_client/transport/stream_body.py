"""The body of a stream: pieces as they arrive, and the connection given back."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, suppress
from typing import Final, cast

import httpx

from kai_client.exceptions import KaiError

from .body import pieces
from .credentials import Credentials
from .errors import map_exceptions, mapped_error
from .inflate import is_compressed

__all__ = ["StreamBody"]

_READ: Final = "kai_client.read"
"""Under this name a response's extensions may have what returns the next bytes of its body, as `__anext__` does. It skips
httpx's generators, of which each costs as much as an event."""


class StreamBody:
    """Read it until `read` returns None, or close it; one that is dropped is closed by the event loop.

    `next` is the way for whoever reads token by token: the next bytes, without a layer of ours; for what it raises, whatever
    it is, ask `ended`. `connection` gives the connection back when it is closed.
    """

    def __init__(self, response: httpx.Response, credentials: Credentials, connection: AsyncExitStack) -> None:
        self.next: Callable[[], Awaitable[bytes]]
        if _READ in response.extensions and not is_compressed(response):
            self.next = response.extensions[_READ]
        else:
            body = pieces(response)
            self.next = body.__anext__
            if isinstance(body, AsyncGenerator):
                connection.push_async_callback(self._end, cast("AsyncGenerator[bytes]", body))
        self._credentials = credentials
        self._connection = connection

    async def read(self) -> bytes | None:
        """The next bytes, as soon as there are any; None after the last. Raises as `ended` does."""
        try:
            return await self.next()
        except Exception as error:  # noqa: BLE001 - all of them: see there
            await self.ended(error)
            return None

    async def ended(self, error: Exception) -> None:
        """Close it, since `next` has raised `error`. Raises the `KaiError` that it means; an orderly end is none."""
        if isinstance(error, StopAsyncIteration):
            await self.aclose()
            return
        with suppress(KaiError):  # what went wrong first is what is told
            await self.aclose()
        raise mapped_error(error, self._credentials, streaming=True) from error

    async def aclose(self) -> None:
        """Give the connection back; closing twice is fine."""
        await self._connection.aclose()

    async def _end(self, body: AsyncGenerator[bytes]) -> None:
        with map_exceptions(self._credentials):
            await body.aclose()
