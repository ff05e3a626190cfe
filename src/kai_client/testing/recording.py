"""A proxy that writes down the conversation it passes on."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, suppress
from typing import Any, Final, Literal
from urllib.parse import urlsplit

import httpx
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from kai_client.server import WireStyle
from kai_client.server.redaction import secrets_in
from kai_client.server.staged_stream import CutConnectionError, Piece, StagedStream

from .cassette import Cassette, Entry
from .exchange import Exchange, written
from .hiding import Hiding
from .matching import line_of

__all__ = ["RecordingProxy"]

_INDEX: Final = "/v2/storage"
_APPROVAL: Final = re.compile(r"/api/chat/([^/]+)/approval$")
_KEPT_BACK: Final = frozenset(
    {"host", "connection", "content-length", "accept-encoding", "transfer-encoding", "keep-alive", "te", "upgrade"}
)
_NOT_RETURNED: Final = frozenset(
    {"connection", "content-length", "content-encoding", "transfer-encoding", "keep-alive"}
)
_TIMEOUT: Final = httpx.Timeout(30, read=None)
"""A tool may be silent for minutes; who has enough of that is the client."""
_OK: Final = 200
_NO_BODY: Final = frozenset({204, 304})


class RecordingProxy:
    """An ASGI app that passes requests on to `upstream`, a Storage API or a Kai, and keeps what is said."""

    def __init__(self, upstream: str, hiding: Hiding) -> None:
        self._upstream = upstream.rstrip("/")
        self._hiding = hiding
        self._services: dict[str, str] = {}
        self._exchanges: list[Exchange] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One exchange."""
        request = Request(scope, receive)
        body = await request.body()
        self._hiding.secrets |= secrets_in(request.headers.items())
        exchange = self._begin(request, body)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(httpx.AsyncClient(timeout=_TIMEOUT, follow_redirects=False))
            outgoing = client.build_request(
                request.method, self._target(request), content=body, headers=self._outgoing(request.headers)
            )
            try:
                answer = await client.send(outgoing, stream=True)
            except httpx.TransportError as error:
                self._exchanges.remove(exchange)
                text = f"The recording proxy cannot reach {urlsplit(str(outgoing.url)).netloc}: {type(error).__name__}"
                await JSONResponse({"code": "offline:proxy", "message": text}, 502)(scope, receive, send)
                return
            stack.push_async_callback(answer.aclose)
            exchange.status, exchange.headers = answer.status_code, Entry.kept(answer.headers)
            self._hiding.secrets |= secrets_in(answer.headers.items())
            response = await self._response(request, exchange, answer, stack)
            await response(scope, receive, send)

    async def _response(
        self, request: Request, exchange: Exchange, answer: httpx.Response, stack: AsyncExitStack
    ) -> Response:
        if request.url.path == _INDEX and answer.status_code == _OK:
            self._exchanges.remove(exchange)
            return await self._index(str(request.base_url).rstrip("/"), answer)
        if answer.status_code in _NO_BODY:
            exchange.ended, exchange.over = "whole", True
            return Response(status_code=answer.status_code)
        return _Passing(exchange, answer, stack.pop_all())

    async def _index(self, base: str, answer: httpx.Response) -> Response:
        """The services, each of them by way of the proxy; what else the index says is nobody's business here."""
        index: Any = json.loads(await answer.aread())
        found: list[dict[str, str]] = index.get("services", [])
        self._services |= {entry["id"]: entry["url"].rstrip("/") for entry in found if "url" in entry}
        there = [{**entry, "url": f"{base}/{entry['id']}"} if "url" in entry else entry for entry in found]
        return JSONResponse({"api": "storage", "version": "v2", "services": there})

    def _begin(self, request: Request, body: bytes) -> Exchange:
        exchange = Exchange(line_of(request.scope), body)
        if decided := _APPROVAL.search(request.url.path):
            for other in self._exchanges:
                if other.chat_id == decided[1] and not other.over:
                    other.goes_on_after(exchange)
        elif request.method == "POST":
            with suppress(ValueError, TypeError, KeyError):
                exchange.chat_id = str(json.loads(body)["id"])
        self._exchanges.append(exchange)
        return exchange

    def _target(self, request: Request) -> str:
        path, base = line_of(request.scope).partition(" ")[2], self._upstream
        service, slash, rest = path.lstrip("/").partition("/")
        if service in self._services and slash:
            base, path = self._services[service], f"/{rest}"
        return f"{base}{path}"

    def _outgoing(self, headers: Headers) -> list[tuple[str, str]]:
        """As the client sent them, but about this very connection; the stack is the real one, not the proxy."""
        kept = [(name, value) for name, value in headers.items() if name not in _KEPT_BACK]
        stack = [(name, self._upstream if name == "x-storageapi-url" else value) for name, value in kept]
        return [*stack, ("accept-encoding", "identity")]

    def texts(self) -> Iterator[str]:
        """The answers so far."""
        return (b"".join(exchange.parts).decode("utf-8", "replace") for exchange in self._exchanges)

    def problems(self) -> Iterator[str]:
        """None: whatever is asked for is recorded."""
        return iter(())

    def cassette(self, hidden: Sequence[Literal["emails", "ids"]] = ()) -> Cassette:
        """What was said until now, without what must not be known."""
        entries: list[Entry] = []
        rest: dict[int, list[tuple[int, Entry]]] = {}
        for exchange in self._exchanges:
            first, later = written(exchange, self._hiding)
            entries.append(first)
            number = len(entries)
            for cause, entry in later:
                rest.setdefault(id(cause), []).append((number, entry))
            for goes_on, entry in rest.get(id(exchange), []):
                entries.append(entry.model_copy(update={"goes_on": goes_on}))
        used = {entry.request.partition(" ")[2].lstrip("/").partition("/")[0] for entry in entries}
        return Cassette(entries, [name for name in self._services if name in used or name.startswith("kai-")], hidden)


class _Passing(StagedStream):
    """An answer on its way."""

    def __init__(self, exchange: Exchange, answer: httpx.Response, closer: AsyncExitStack) -> None:
        self._exchange = exchange
        self._answer = answer
        headers = {name: value for name, value in answer.headers.items() if name not in _NOT_RETURNED}
        super().__init__(WireStyle(), closer, status=answer.status_code, headers=headers)

    async def chunks(self) -> AsyncIterator[Piece]:
        """Each piece as it came, once it is noted."""
        try:
            async for piece in self._answer.aiter_bytes():
                self._exchange.parts[-1].extend(piece)
                yield piece
            self._exchange.ended = "whole"
        except httpx.TransportError as error:
            self._exchange.ended = "cut"
            raise CutConnectionError from error
        finally:
            self._exchange.over = True
