"""The connections of a client: whose they are, in which event loop they live, and when they end."""

import asyncio
import os
import ssl
from functools import lru_cache
from typing import Final

import httpx

from kai_client.exceptions import KaiClosedError

__all__ = ["Connections"]

_LOOPBACK: Final = ("all://localhost", "all://127.0.0.1", "all://[::1]")


class Connections:
    """An `httpx.AsyncClient`: the user's, or our own, made when it is first needed and closed with the client."""

    def __init__(self, given: httpx.AsyncClient | None, *, most: int) -> None:
        self._given = given
        self._most = most
        self._own: httpx.AsyncClient | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._closed

    def client(self) -> httpx.AsyncClient:
        """The HTTP client. Raises `KaiClosedError` when it was closed, or belongs to another event loop."""
        if self._closed:
            raise KaiClosedError("The client was closed; make a new one", "closed")
        loop = asyncio.get_running_loop()
        if self._loop not in {None, loop}:
            # Its connections wait for a loop that is gone or elsewhere: without this it would be "Event loop is closed".
            raise KaiClosedError("The client belongs to another event loop; make one in each loop", "closed:other_loop")
        self._loop = loop
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = _new_http_client(self._most)
        return self._own

    async def aclose(self) -> None:
        """Close our own HTTP client; closing twice is fine.

        Raises `KaiClosedError` in another event loop than that of the connections: they can only be closed there.
        """
        own, self._own, self._closed = self._own, None, True
        if own is None:
            return
        if self._loop is not asyncio.get_running_loop():
            self._own = own
            raise KaiClosedError("Close the client in the event loop in which it was used", "closed:other_loop")
        await own.aclose()


def _new_http_client(most: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        follow_redirects=False,
        verify=_ssl_context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")),
        # A proxy from the environment cannot reach this machine's own ports.
        mounts=dict.fromkeys(_LOOPBACK),
        limits=httpx.Limits(max_connections=most, max_keepalive_connections=20),
    )


@lru_cache(maxsize=4)
def _ssl_context(*_from_environment: str | None) -> ssl.SSLContext:
    """One for all clients: reading the certificates costs more than all the rest of a client. httpx reads these variables."""
    return httpx.create_ssl_context()
