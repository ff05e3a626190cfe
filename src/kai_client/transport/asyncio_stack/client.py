"""httpx's client on asyncio itself."""

import ssl
import sys
from typing import Any, Final

import httpx

from kai_client.transport.heads import is_chunked

from .body import ChunkedBody
from .network import Network, NetworkStream
from .places import Places

__all__ = ["AsyncioClient"]

_POOL: Final = "_pool"
_NETWORK: Final = "_network_backend"


class AsyncioClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` whose pools, proxies and HTTP are httpcore's, over sockets that are asyncio's own."""

    def __init__(self, context: ssl.SSLContext, limits: httpx.Limits, *, trust_env: bool) -> None:
        self._most = limits.max_connections or sys.maxsize
        idle = httpx.Limits(
            max_keepalive_connections=limits.max_keepalive_connections, keepalive_expiry=limits.keepalive_expiry
        )
        super().__init__(verify=context, limits=idle, trust_env=trust_env, follow_redirects=False)

    # The places where httpx makes its transports. It has no public one for a transport per proxy of the environment; should
    # it rename these, what comes out is httpx's own, which does the same and takes longer.

    def _init_transport(self, *options: Any, **named: Any) -> httpx.AsyncBaseTransport:
        return self._on_asyncio(super()._init_transport(*options, **named))

    def _init_proxy_transport(self, *options: Any, **named: Any) -> httpx.AsyncBaseTransport:
        return self._on_asyncio(super()._init_proxy_transport(*options, **named))

    def _on_asyncio(self, given: httpx.AsyncBaseTransport) -> httpx.AsyncBaseTransport:
        return _AsyncioTransport(given, self._most) if isinstance(given, httpx.AsyncHTTPTransport) else given


class _AsyncioTransport(httpx.AsyncBaseTransport):
    """`given`, over `Network`: httpx's has no parameter for it, so the pool that it has made is told."""

    def __init__(self, given: httpx.AsyncHTTPTransport, most: int) -> None:
        self._given = given
        self._places = Places(given.handle_async_request, most)
        pool = getattr(given, _POOL, None)
        if hasattr(pool, _NETWORK):
            setattr(pool, _NETWORK, Network())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its head read and its body to be."""
        response = await self._places.send(request)
        network, stream = response.extensions.get("network_stream"), response.stream
        if (
            is_chunked(request.method, response.status_code, response.headers.get("transfer-encoding", ""))
            and isinstance(network, NetworkStream)
            and network.at_body
            and isinstance(stream, httpx.AsyncByteStream)
        ):
            body = ChunkedBody(network.wire, stream, request.extensions.get("timeout", {}).get("read"))
            response.stream = body
            response.extensions["kai_client.read"] = body.read
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._given.aclose()
