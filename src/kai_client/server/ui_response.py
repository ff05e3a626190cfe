"""An answer of Kai as the response that a browser with the AI SDK expects: `useChat` reads it as if the SDK had written it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from typing import Literal

from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from kai_client.events import SSEEvent
from kai_client.exceptions import KaiError
from kai_client.message import UIMessage

from .faults import fault_of
from .streams import Pump, closing
from .ui_frames import UI_MESSAGE_HEADERS, UIMessageFrames

__all__ = ["ui_message_response"]

_log = logging.getLogger("kai_client.server")


def ui_message_response(
    events: AsyncIterator[SSEEvent],
    *,
    major: Literal[6, 7] = 6,
    after: UIMessage | None = None,
    keep_alive: float | None = 15.0,
    on_error: Callable[[Exception], str | None] = lambda _: None,
) -> Response:
    """A Starlette (FastAPI) response that streams `events`, such as `client.send_message(...)`, in the AI SDK's wire format.

    The head is sent at once; the events are begun with it, read by one task, and closed when the response ends or the browser
    leaves, also in a silence. After `keep_alive` seconds without an event a comment is sent. What the events raise becomes one
    `error` chunk with the text that `on_error` makes of it. Where that is None it is Kai's own words about a refused request, else
    a sentence that tells nothing of this side's hosts and paths. `major` and `after` are those of `UIMessageFrames`.
    """
    return _UIMessageResponse(events, UIMessageFrames(major=major, after=after), keep_alive, on_error)


class _UIMessageResponse(StreamingResponse):
    def __init__(
        self,
        events: AsyncIterator[SSEEvent],
        frames: UIMessageFrames,
        keep_alive: float | None,
        on_error: Callable[[Exception], str | None],
    ) -> None:
        self._events = events
        self._frames = frames
        self._keep_alive = keep_alive
        self._on_error = on_error
        self._body = self._pieces()
        super().__init__(self._body, headers=UI_MESSAGE_HEADERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Part of the ASGI protocol."""
        # From 2.4 on Starlette would not listen, but wait for a failing send: a silent stream sends nothing.
        listening = {**scope, "asgi": {**scope["asgi"], "spec_version": "2.3"}}
        async with Pump(self._events) as self._pump, closing(self._body):
            await super().__call__(listening, receive, send)

    async def _pieces(self) -> AsyncGenerator[bytes]:
        frames = self._frames
        yield frames.comment()
        try:
            while (events := await self._arrived()) is None or events:
                pieces = [frames.comment()] if events is None else [frames.event(event) for event in events]
                if piece := b"".join(pieces):
                    yield piece
        except Exception as error:  # noqa: BLE001 - whatever it is, the browser is told in a chunk
            # The words of a `KaiError` say it all, and hold no token; anything else is a bug that has to be found.
            _log.warning("An answer failed: %s", error, exc_info=None if isinstance(error, KaiError) else error)
            yield frames.error(self._on_error(error) or fault_of(error).message)
        yield frames.end()

    async def _arrived(self) -> list[SSEEvent] | None:
        """The events that are there, none at the end; None after a long silence."""
        limit = asyncio.timeout(self._keep_alive)
        try:
            async with limit:
                return await self._pump.batch()
        except TimeoutError:
            if not limit.expired():  # the events' own
                raise
            return None
