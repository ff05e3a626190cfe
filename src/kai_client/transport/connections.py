"""The connections of a client: whose they are, in which event loop they live, and when they end."""

import asyncio
import os
import ssl
from functools import cache, lru_cache

import httpx

from kai_client.exceptions import KaiClosedError, KaiConfigError

from .asyncio_stack import AsyncioClient
from .closing import Closable
from .stacks import NetworkStack, chosen_stack
from .urls import is_encrypted, is_loopback

__all__ = ["Connections"]


class Connections(Closable):
    """The `httpx.AsyncClient`s of a client: the user's, or our own, made when first needed and closed with the client."""

    def __init__(self, given: httpx.AsyncClient | None, *, most: int, transport: NetworkStack | None = None) -> None:
        """Raises `TypeError` for a blocking client, `ValueError` and `KaiConfigError` for a `transport` that cannot be had."""
        super().__init__()
        if isinstance(given, httpx.Client):
            raise TypeError("http_client must be an httpx.AsyncClient; an httpx.Client is for kai_client.sync")
        if given is not None and transport is not None:
            raise ValueError("http_client and transport exclude each other: a given client has its own transport")
        self._stack = None if given is not None else chosen_stack(transport)
        self._given = given
        self._most = most
        self._own: dict[tuple[bool, bool], httpx.AsyncClient] = {}
        """By whether it is for this machine's own ports, and whether for those without TLS."""
        self._loop: asyncio.AbstractEventLoop | None = None

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
        kind = here, here and not is_encrypted(url)
        if kind not in self._own:
            self._own[kind] = self._new_http_client(*kind)
        return self._own[kind]

    def open(self, url: str) -> None:
        """Make the HTTP client for `url` now, if it is to be ours: what it takes to load does not delay the first answer."""
        if self._given is None and not self.closed:
            self.client(url)

    async def aclose(self) -> None:
        """Close our own HTTP clients; closing twice is fine.

        Raises `KaiClosedError` in another event loop than that of the connections: they can only be closed there.
        """
        if self._own and self._loop is not asyncio.get_running_loop():
            raise KaiClosedError("Close the client in the event loop in which it was used", "closed:other_loop")
        self._closing.set()
        while self._own:
            await self._own.popitem()[1].aclose()

    def _new_http_client(self, here: bool, plain: bool) -> httpx.AsyncClient:
        from_environment = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        context = _no_certificates() if plain else _ssl_context(*from_environment)
        limits = httpx.Limits(max_connections=self._most, max_keepalive_connections=20)
        trust_env = not here
        try:
            if self._stack == "httpx":
                return httpx.AsyncClient(verify=context, limits=limits, trust_env=trust_env, follow_redirects=False)
            return AsyncioClient(context, limits, trust_env=trust_env)
        except ImportError:
            raise KaiConfigError(
                'The environment names a SOCKS proxy: pip install "httpx[socks]"', "config:proxy"
            ) from None
        except (ValueError, httpx.InvalidURL):
            # Without its words: they may quote the password.
            raise KaiConfigError(
                "The proxy that the environment names is none that can be used", "config:proxy"
            ) from None


@lru_cache(maxsize=4)
def _ssl_context(*_from_environment: str | None) -> ssl.SSLContext:
    """One for all clients: reading the certificates costs more than all the rest of a client. httpx reads these variables."""
    return httpx.create_ssl_context()


@cache
def _no_certificates() -> ssl.SSLContext:
    """For what goes without TLS: it trusts nobody."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
