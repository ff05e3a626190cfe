"""The streamed response: its status is known before the head goes out, and its events are always closed."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from typing import Final

from starlette.responses import Response

from kai_client.events import SSEEvent
from kai_client.exceptions import KaiError
from kai_client.types import JsonObject

from .faults import fault_of
from .staged_stream import END, IDLE, Piece, StagedStream
from .streams import Pump
from .wire import WireStyle

__all__ = ["event_stream"]

_log = logging.getLogger("kai_client.server")

_NO_CONTENT: Final = 204


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


class _EventStream(StagedStream):
    """Events as chunks."""

    def __init__(
        self, first: tuple[SSEEvent] | None, pump: Pump[SSEEvent], style: WireStyle, closer: AsyncExitStack
    ) -> None:
        self._first = first
        self._pump = pump
        super().__init__(style, closer)

    async def chunks(self) -> AsyncIterator[Piece]:
        """The chunks; an error is one too, once the head is out (protocol 2.3)."""
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
        yield END

    async def _next(self) -> tuple[SSEEvent] | JsonObject | None:
        limit = asyncio.timeout(self._style.keep_alive)
        try:
            async with limit:
                return await self._pump.next()
        except TimeoutError:
            if not limit.expired():  # the backend's own
                raise
            return IDLE
