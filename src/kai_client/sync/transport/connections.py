"""The connections of a client: whose they are, and when they end."""

import os
import ssl
import threading
from functools import cache, lru_cache

import httpx

from kai_client.exceptions import KaiClosedError, KaiConfigError
from kai_client.sync import waits
from kai_client.sync.blocking_client import BlockingClient
from kai_client.transport.urls import is_encrypted, is_loopback

from .stacks import NetworkStack, chosen_stack

__all__ = ["Connections"]


class Connections:
    """The `httpx.Client`s of a client: the user's, or our own, made when first needed and closed with the client."""

    def __init__(self, given: httpx.Client | None, *, most: int, transport: NetworkStack | None = None) -> None:
        """Raises `TypeError` for an async client, `ValueError` for a `transport` that cannot be had."""
        if isinstance(given, httpx.AsyncClient):
            raise TypeError("http_client must be an httpx.Client; an httpx.AsyncClient is for kai_client")
        if given is not None and transport is not None:
            raise ValueError("http_client and transport exclude each other: a given client has its own transport")
        chosen_stack(transport)
        self._given = given
        self._most = most
        self._own: dict[tuple[bool, bool], httpx.Client] = {}
        """By whether it is for this machine's own ports, and whether for those without TLS."""
        self._lock = threading.RLock()  # as in `Stop`
        self._closing = waits.Stop()
        self._process = os.getpid()
        self._inherited: list[httpx.Client] = []

    @property
    def closed(self) -> bool:
        """Whether the client was closed."""
        return self._closing.is_set

    @property
    def only_one(self) -> bool:
        """Whether an open stream leaves no connection for anything else. Of a given HTTP client nothing is known."""
        return self._given is None and self._most == 1

    def client(self, url: str) -> httpx.Client:
        """The HTTP client for `url`. Raises `KaiClosedError` when it was closed."""
        waits.check()
        # A proxy from the environment cannot reach this machine's own ports, and must not see what goes there.
        here = is_loopback(url)
        kind = here, here and not is_encrypted(url)
        self._begin_anew_when_forked()
        with self._lock:
            if self.closed:
                raise KaiClosedError("The client was closed; make a new one", "closed")
            if self._given is not None:
                return self._given
            if kind not in self._own:
                self._own[kind] = self._new_http_client(*kind)
            return self._own[kind]

    def open(self, url: str) -> None:
        """Make the HTTP client for `url` now, if it is to be ours: what it takes to load does not delay the first answer."""
        if self._given is None and not self.closed:
            self.client(url)

    def sleep(self, seconds: float) -> None:
        """Wait. Raises `KaiClosedError` at once when the client is closed meanwhile."""
        waits.sleep(seconds, self._closing)
        if self.closed:
            raise KaiClosedError("The client was closed while it waited for another attempt", "closed")

    def close(self) -> None:
        """Close our own HTTP clients, and wake whoever waits for them; closing twice is fine."""
        self._begin_anew_when_forked()
        self._closing.set()
        with self._lock:
            own, self._own = list(self._own.values()), {}
        for each in own:
            each.close()

    def _begin_anew_when_forked(self) -> None:
        """A process that was forked has the connections of the other one, which go on there, and may have its locks closed."""
        if self._process == os.getpid():
            return
        closed, self._process = self.closed, os.getpid()
        self._lock, self._closing = threading.RLock(), waits.Stop()
        self._closing.is_set = closed
        own, self._own = list(self._own.values()), {}
        self._inherited += own

    def _new_http_client(self, here: bool, plain: bool) -> httpx.Client:
        from_environment = os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR")
        context = _no_certificates() if plain else _ssl_context(*from_environment)
        limits = httpx.Limits(max_connections=self._most, max_keepalive_connections=20)
        try:
            return BlockingClient(context, limits, self._closing, trust_env=not here)
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
