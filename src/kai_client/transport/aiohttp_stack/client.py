"""The HTTP client, and the transport below it."""

import asyncio
import base64
import contextlib
import inspect
import socket
import ssl
import weakref
from typing import Any, Final

import aiohttp
import httpx
from aiohttp import hdrs
from yarl import URL

from .attempt import Attempt, Sent, tracing
from .body import Body
from .errors import CLOSED, in_head
from .exchange import Connector, Request, Response
from .protocol import HEAD_BYTES

__all__ = ["AiohttpClient", "AiohttpTransport"]

_BOUNDS: Final[dict[str, Any]] = {
    name: HEAD_BYTES  # which is at most so many headers, too
    for name in ("max_line_size", "max_field_size", "max_headers")
    if name in inspect.signature(aiohttp.ClientSession).parameters  # the last one came later
}
_NOT_ADDED: Final = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.CONTENT_TYPE, hdrs.USER_AGENT)


class AiohttpClient(httpx.AsyncClient):
    """An `httpx.AsyncClient` whose connections are aiohttp's: also those to the `http://` proxies of the environment.

    What aiohttp cannot do as well, SOCKS and TLS to a proxy, stays with httpx's own.
    """

    def __init__(self, context: ssl.SSLContext, limits: httpx.Limits, *, trust_env: bool) -> None:
        self._stack = (context, limits)
        super().__init__(verify=context, limits=limits, trust_env=trust_env, follow_redirects=False)

    # The places where httpx makes its own transports. It has no public one for a transport per proxy of the environment;
    # should it rename these, what comes out is httpx's own stack.

    def _init_transport(self, *_: Any, **__: Any) -> httpx.AsyncBaseTransport:
        return AiohttpTransport(*self._stack)

    def _init_proxy_transport(self, proxy: httpx.Proxy, *options: Any, **named: Any) -> httpx.AsyncBaseTransport:
        if proxy.url.scheme == "http":
            return AiohttpTransport(*self._stack, proxy)
        return super()._init_proxy_transport(proxy, *options, **named)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """HTTP/1.1 through aiohttp, all of it to `proxy` if there is one. It belongs to the event loop of its first request."""

    def __init__(self, context: ssl.SSLContext, limits: httpx.Limits, proxy: httpx.Proxy | None = None) -> None:
        self._context = context
        self._limits = limits
        self._proxy = None if proxy is None else URL(str(proxy.url))
        self._proxy_headers = _proxy_headers(proxy)
        self._session: aiohttp.ClientSession | None = None
        self._bodies = weakref.WeakSet[Body]()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The response, its head read and its body to be."""
        attempt = Attempt(request.extensions.get("timeout", {}))
        session = self._session = self._session or self._new_session()
        try:
            async with attempt.deadline:
                response = await self._send(session, request, attempt)
            return self._received(response, attempt)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not session.closed or (task is not None and task.cancelling()):
                raise
            failure: Exception = RuntimeError(CLOSED)  # aiohttp cancels whoever waits for a connection
        except Exception as error:  # noqa: BLE001 - all that there is
            failure = RuntimeError(CLOSED) if session.closed else attempt.late() or in_head(error)
        finally:
            attempt.end()
        raise failure  # not in the handler: see errors.py

    async def aclose(self) -> None:
        """Close the connections. Whoever still waits on one is told so."""
        for body in list(self._bodies):
            body.fail(RuntimeError(CLOSED))
            await body.aclose()
        if self._session is not None:
            await self._session.close()

    def _new_session(self) -> aiohttp.ClientSession:
        self._context.set_alpn_protocols(["http/1.1"])
        connector = Connector(
            # As httpx: every name is looked up by the system, for every connection.
            resolver=aiohttp.ThreadedResolver(),
            use_dns_cache=False,
            limit=self._limits.max_connections or 0,
            keepalive_timeout=self._limits.keepalive_expiry,
            ssl=self._context,
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            skip_auto_headers=_NOT_ADDED,
            request_class=Request,
            response_class=Response,
            trace_configs=[tracing()],
            **_BOUNDS,
        )
        weakref.finalize(self, _abandon, session, connector)
        return session

    async def _send(
        self, session: aiohttp.ClientSession, request: httpx.Request, attempt: Attempt
    ) -> aiohttp.ClientResponse:
        """The response, its head read."""
        headers = [(name.decode("ascii"), value.decode("utf-8", "replace")) for name, value in request.headers.raw]
        forwarded = self._proxy is not None and request.url.scheme == "http"
        try:
            content: bytes | httpx.AsyncByteStream = request.content
        except httpx.RequestNotRead:
            content = _streamed(request)
            headers = [(name, value) for name, value in headers if name.lower() != "transfer-encoding"]
        return await session.request(
            request.method,
            _target(request.url),
            headers=[*headers, *self._proxy_headers.items()] if forwarded else headers,
            data=Sent(content, attempt) if content else None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=None, sock_read=attempt.seconds.get("read")),
            server_hostname=request.extensions.get("sni_hostname"),
            proxy=self._proxy,
            proxy_headers=None if forwarded else self._proxy_headers,
            trace_request_ctx=attempt,
        )

    def _received(self, response: aiohttp.ClientResponse, attempt: Attempt) -> httpx.Response:
        body = Body(response, attempt.seconds.get("read"))
        self._bodies.add(body)
        version = response.version or aiohttp.HttpVersion11
        return httpx.Response(
            response.status,
            headers=response.raw_headers,
            stream=body,
            extensions={
                "http_version": f"HTTP/{version.major}.{version.minor}".encode(),
                "reason_phrase": (response.reason or "").encode("utf-8", "surrogateescape"),
                "kai_client.read": body.read,
            },
        )


def _abandon(session: aiohttp.ClientSession, connector: Connector) -> None:
    """Nobody has closed it: as httpx's client it goes without a word, which aiohttp would say on stderr."""
    session.detach()
    connector.abandon()


def _proxy_headers(proxy: httpx.Proxy | None) -> dict[str, str]:
    """What a proxy is told beside what to do."""
    if proxy is None:
        return {}
    headers = dict(proxy.headers)
    if proxy.raw_auth is not None:
        headers["Proxy-Authorization"] = f"Basic {base64.b64encode(b':'.join(proxy.raw_auth)).decode('ascii')}"
    return headers


def _target(url: httpx.URL) -> URL:
    """`url` with nothing of it re-quoted."""
    target = URL(str(url), encoded=True)
    if url.host[:1].isdigit():
        # aiohttp takes no other form of an IPv4 address than the long one.
        with contextlib.suppress(OSError):
            target = target.with_host(socket.inet_ntoa(socket.inet_aton(url.host)))
    return target


def _streamed(request: httpx.Request) -> httpx.AsyncByteStream:
    if not isinstance(request.stream, httpx.AsyncByteStream):
        raise RuntimeError("An AsyncClient sends asynchronous streams only")  # noqa: TRY004 - httpx's words for it
    return request.stream
