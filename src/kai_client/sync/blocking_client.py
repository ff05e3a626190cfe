"""httpx's blocking client, over `Network`."""

import ssl
import sys
from collections.abc import Callable
from functools import partial
from typing import Any, Final, cast

import httpx

from kai_client.transport.heads import is_chunked

from .chunked_body import ChunkedBody
from .giving_back import Bodies, Inner, Places
from .network import Network, NetworkStream
from .waits import Stop

__all__ = ["BlockingClient"]

_POOL: Final = "_pool"
_NETWORK: Final = "_network_backend"
_LOCK: Final = "_optional_thread_lock"
_READ: Final = "kai_client.read"
"""See `StreamBody`."""


class BlockingClient(httpx.Client):
    """An `httpx.Client` of which `closing` ends every wait."""

    def __init__(self, context: ssl.SSLContext, limits: httpx.Limits, closing: Stop, *, trust_env: bool) -> None:
        self._closing = closing
        self._most = limits.max_connections or sys.maxsize
        # Who waits for a place in httpcore's pool cannot be woken: so nobody ever waits there.
        idle = httpx.Limits(
            max_keepalive_connections=limits.max_keepalive_connections, keepalive_expiry=limits.keepalive_expiry
        )
        super().__init__(verify=context, limits=idle, trust_env=trust_env, follow_redirects=False)

    # The places where httpx makes its transports: see `AsyncioClient`. Should it rename these, no wait is ended early.

    def _init_transport(self, *options: Any, **named: Any) -> httpx.BaseTransport:
        return self._watched(super()._init_transport(*options, **named))

    def _init_proxy_transport(self, *options: Any, **named: Any) -> httpx.BaseTransport:
        return self._watched(super()._init_proxy_transport(*options, **named))

    def _watched(self, given: httpx.BaseTransport) -> httpx.BaseTransport:
        return _Watched(given, self._closing, self._most) if isinstance(given, httpx.HTTPTransport) else given


class _Watched(httpx.BaseTransport):
    """`given`, over `Network`: httpx's has no parameter for it, so the pool that it has made is told."""

    def __init__(self, given: httpx.HTTPTransport, closing: Stop, most: int) -> None:
        self._given = given
        self._places = Places(most, closing)
        self._bodies = Bodies()
        pool = getattr(given, _POOL, None)
        if hasattr(pool, _NETWORK):
            setattr(pool, _NETWORK, Network(closing))
        if hasattr(pool, _LOCK):
            setattr(pool, _LOCK, self._bodies.lock)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its head read and its body to be."""
        release = partial(self._places.give_back, self._places.take(request.extensions.get("timeout", {}).get("pool")))
        response: httpx.Response | None = None
        try:
            response = self._given.handle_request(request)
            given = cast("httpx.SyncByteStream", response.stream)
            body = self._bodies.keep(_inner(request, response, given, release))
        except BaseException:
            if response is not None:
                response.close()
            release()
            raise
        finally:
            self._bodies.catch_up()
        response.stream = body
        response.extensions[_READ] = iter(body).__next__
        return response

    def close(self) -> None:
        """Close the connections."""
        self._bodies.run(self._given.close)


def _inner(
    request: httpx.Request, response: httpx.Response, body: httpx.SyncByteStream, release: Callable[[], None]
) -> Inner:
    network = response.extensions.get("network_stream")
    pieces = iter(body)
    if isinstance(network, NetworkStream):
        encoding = response.headers.get("transfer-encoding", "")
        if network.at_body and is_chunked(request.method, response.status_code, encoding):
            pieces = ChunkedBody(network, pieces, request.extensions.get("timeout", {}).get("read"))
        return Inner(body, pieces, network, release)
    return Inner(body, pieces, None, release)
