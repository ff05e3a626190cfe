"""The streamed response: its status is known before the head goes out, and its events are always closed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack
from typing import Final

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from kai_client.events import SSEEvent
from kai_client.exceptions import KaiError
from kai_client.types import JsonObject

from .faults import fault_of
from .streams import Pump, closing
from .wire import STREAM_HEADERS, Framer, WireStyle

__all__ = ["CutConnectionError", "event_stream"]

_log = logging.getLogger("kai_client.server")

_NO_CONTENT: Final = 204

_IDLE: Final[JsonObject] = {}
_END: Final[JsonObject] = {}
"""Marks between the chunks, told apart by identity."""


class CutConnectionError(Exception):
    """Raised on purpose, so that the web server cuts the connection in the middle of a body."""


async def event_stream(
    events: AsyncIterator[SSEEvent], take_style: Callable[[], WireStyle], *, empty: int = 200
) -> Response:
    """The response that streams `events` and closes them when it ends or the client leaves.

    The first event is awaited here: what fails before it is raised, and so gets its true status; where there is none at
    all the status is `empty`. `take_style` is asked once a stream is certain.
    """
    async with AsyncExitStack() as stack:
        pump = await stack.enter_async_context(Pump(events))
        first = await pump.next()
        if first is None and empty == _NO_CONTENT:
            return Response(status_code=empty)
        return _EventStream(first, pump, take_style(), stack.pop_all())


class _EventStream(StreamingResponse):
    """Writes events in a `WireStyle`, its faults included."""

    def __init__(
        self, first: tuple[SSEEvent] | None, pump: Pump[SSEEvent], style: WireStyle, closer: AsyncExitStack
    ) -> None:
        self._first = first
        self._pump = pump
        self._style = style
        self._framer = Framer(style)
        self._closer = closer
        self._body = self._pieces()
        super().__init__(self._body, headers=STREAM_HEADERS if style.headers else None)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # From 2.4 on Starlette would not listen, but wait for a failing send: a silent stream sends nothing.
        listening = {**scope, "asgi": {**scope["asgi"], "spec_version": "2.3"}}
        async with self._closer, closing(self._body):
            await super().__call__(listening, receive, send)

    async def _pieces(self) -> AsyncIterator[bytes]:
        sent = 0
        async with closing(self._chunks()) as chunks:
            async for chunk in chunks:
                if chunk is _IDLE:
                    for piece in self._framer.comment():
                        yield piece
                    continue
                for piece in await self._staged(sent):
                    yield piece
                if sent in {self._style.error_after, self._style.abort_after, self._style.end_after}:
                    return
                for piece in self._framer.end() if chunk is _END else self._framer.chunk(chunk):
                    yield piece
                sent += 1

    async def _chunks(self) -> AsyncIterator[JsonObject]:
        """The chunks, `_IDLE` in a long silence, `_END` last; an error is a chunk too, once the head is out (2.3)."""
        try:
            item: tuple[SSEEvent] | JsonObject | None = self._first
            while item is not None:
                if isinstance(item, tuple):
                    yield item[0].to_chunk()
                else:
                    yield item
                item = await self._next()
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told in a chunk
            if not isinstance(error, KaiError):
                _log.exception("The backend failed in the middle of an answer")
            fault = fault_of(error)
            yield {"type": "error", "errorText": fault.message, "code": fault.code}
        yield _END

    async def _next(self) -> tuple[SSEEvent] | JsonObject | None:
        limit = asyncio.timeout(self._style.keep_alive)
        try:
            async with limit:
                return await self._pump.next()
        except TimeoutError:
            if not limit.expired():  # the backend's own
                raise
            return _IDLE

    async def _staged(self, sent: int) -> Iterable[bytes]:
        """What the style wants to happen after `sent` events."""
        style, framer = self._style, self._framer
        if sent == style.drop_after:
            raise CutConnectionError
        if sent == style.stall_after:
            await asyncio.Event().wait()  # until the client leaves, or the server does
        if sent == style.error_after:
            return [*framer.chunk({"type": "error", "errorText": "The stream failed on purpose."}), *framer.end()]
        if sent == style.abort_after:
            return [*framer.chunk({"type": "abort", "reason": "The stream was aborted on purpose."}), *framer.end()]
        if sent == style.malformed_after:
            return framer.frame('{"type": "text-delta", "id": ')
        return framer.unknown() if style.unknown_chunk and sent == 1 else ()
