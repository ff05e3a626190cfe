"""httpx's client on asyncio itself."""

from typing import Any, Final

import httpx

from .body import ChunkedBody
from .network import Network, NetworkStream

__all__ = ["AsyncioClient"]

_POOL: Final = "_pool"
_NETWORK: Final = "_network_backend"


class AsyncioClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` whose pools, proxies and HTTP are httpcore's, over sockets that are asyncio's own."""

    # The places where httpx makes its transports. It has no public one for a transport per proxy of the environment; should
    # it rename these, what comes out is httpx's own, which does the same and takes longer.

    def _init_transport(self, *options: Any, **named: Any) -> httpx.AsyncBaseTransport:
        given = super()._init_transport(*options, **named)
        return _AsyncioTransport(given) if isinstance(given, httpx.AsyncHTTPTransport) else given

    def _init_proxy_transport(self, *options: Any, **named: Any) -> httpx.AsyncBaseTransport:
        given = super()._init_proxy_transport(*options, **named)
        return _AsyncioTransport(given) if isinstance(given, httpx.AsyncHTTPTransport) else given


class _AsyncioTransport(httpx.AsyncBaseTransport):
    """`given`, over `Network`: httpx's has no parameter for it, so the pool that it has made is told."""

    def __init__(self, given: httpx.AsyncHTTPTransport) -> None:
        self._given = given
        pool = getattr(given, _POOL, None)
        if hasattr(pool, _NETWORK):
            setattr(pool, _NETWORK, Network())

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its head read and its body to be."""
        response = await self._given.handle_async_request(request)
        network = response.extensions.get("network_stream")
        if isinstance(network, NetworkStream) and network.at_body and _is_chunked(response):
            assert isinstance(response.stream, httpx.AsyncByteStream)
            body = ChunkedBody(network.wire, response.stream, request.extensions.get("timeout", {}).get("read"))
            response.stream = body
            response.extensions["kai_client.read"] = body.read
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._given.aclose()


def _is_chunked(response: httpx.Response) -> bool:
    return response.headers.get("transfer-encoding", "").strip().lower() == "chunked"
