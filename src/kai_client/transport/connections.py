"""The connections of a client: whose they are, in which event loop they live, and when they end."""

import asyncio
import os
import ssl
from functools import lru_cache

import httpx

from kai_client.exceptions import KaiClosedError

from .urls import is_loopback

__all__ = ["Connections"]


class Connections:
    """The `httpx.AsyncClient`s of a client: the user's, or our own, made when first needed and closed with the client."""

    def __init__(self, given: httpx.AsyncClient | None, *, most: int) -> None:
        self._given = given
        self._most = most
        self._own: dict[bool, httpx.AsyncClient] = {}
        """By whether it is for this machine's own ports."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closing = asyncio.Event()

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._closing.is_set()

    @property
    def only_one(self) -> bool:
        """Whether an open stream leaves no connection for anything else. Of a given HTTP client nothing is known."""
        return self._given is None and self._most == 1

    def client(self, url: str) -> httpx.AsyncClient:
        """The HTTP client for `url`. Raises `KaiClosedError` when it was closed, or belongs to another event loop."""
        if self.closed:
            raise KaiClosedError("The client was closed; make a new one", "closed")
        loop = asyncio.get_running_loop()
        if self._loop not in {None, loop}:
            # Its connections wait for a loop that is gone or elsewhere: without this it would be "Event loop is closed".
            raise KaiClosedError("The client belongs to another event loop; make one in each loop", "closed:other_loop")
        self._loop = loop
        if self._given is not None:
            return self._given
        # A proxy from the environment cannot reach this machine's own ports, and must not see what goes there.
        here = is_loopback(url)
        if here not in self._own:
            self._own[here] = _new_http_client(self._most, trust_env=not here)
        return self._own[here]

    async def sleep(self, seconds: float) -> None:
        """Wait. Raises `KaiClosedError` at once when the client is closed meanwhile."""
        try:
            async with asyncio.timeout(seconds):
                await self._closing.wait()
        except TimeoutError:
            return
        raise KaiClosedError("The client was closed while it waited for another attempt", "closed")

    async def aclose(self) -> None:
        """Close our own HTTP clients; closing twice is fine.

        Raises `KaiClosedError` in another event loop than that of the connections: they can only be closed there.
        """
        if self._own and self._loop is not asyncio.get_running_loop():
            raise KaiClosedError("Close the client in the event loop in which it was used", "closed:other_loop")
        self._closing.set()
        while self._own:
            await self._own.popitem()[1].aclose()


def _new_http_client(most: int, *, trust_env: bool) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        follow_redirects=False,
        verify=_ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
        trust_env=trust_env,
        limits=httpx.Limits(max_connections=most, max_keepalive_connections=20),
    )


@lru_cache(maxsize=4)
def _ssl_context(*_from_environment: str | None) -> ssl.SSLContext:
    """One for all clients: reading the certificates costs more than all the rest of a client. httpx reads these variables."""
    return httpx.create_ssl_context()
