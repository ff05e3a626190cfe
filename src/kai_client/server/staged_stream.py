"""The body of a stream, written piece by piece: in its style, with the faults that were asked for."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import Final, TypeAlias

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from kai_client.types import JsonObject

from .streams import closing
from .wire import STREAM_HEADERS, Framer, WireStyle

__all__ = ["END", "IDLE", "CutConnectionError", "Piece", "StagedStream"]

Piece: TypeAlias = JsonObject | bytes
"""A chunk that is to be framed, or a frame as it is."""

IDLE: Final[JsonObject] = {}
END: Final[JsonObject] = {}
"""Marks between the chunks, told apart by identity: a long silence, and the end of the answer."""


class CutConnectionError(Exception):
    """Raised on purpose, so that the web server cuts the connection in the middle of a body."""


class StagedStream(StreamingResponse):
    """Writes what `chunks` yields in a `WireStyle`, its faults included; `closer` is closed with the response."""

    def __init__(
        self,
        style: WireStyle,
        closer: AsyncExitStack,
        *,
        status: int = 200,
        headers: Mapping[str, str] = STREAM_HEADERS,
    ) -> None:
        self._style = style
        self._framer = Framer(style)
        self._closer = closer
        self._body = self._pieces()
        super().__init__(self._body, status, headers=headers if style.headers else None)

    @abstractmethod
    def chunks(self) -> AsyncIterator[Piece]:
        """The chunks or frames in order, `IDLE` in a long silence, `END` after the last chunk."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write the body; leaving early closes what makes it."""
        # From 2.4 on Starlette would not listen, but wait for a failing send: a silent stream sends nothing.
        listening = {**scope, "asgi": {**scope["asgi"], "spec_version": "2.3"}}
        async with self._closer, closing(self._body):
            await super().__call__(listening, receive, send)

    async def _pieces(self) -> AsyncIterator[bytes]:
        sent = 0
        async with closing(self.chunks()) as chunks:
            async for chunk in chunks:
                if chunk is IDLE:
                    for piece in self._framer.comment():
                        yield piece
                    continue
                for piece in await self._staged(sent):
                    yield piece
                if sent in {self._style.error_after, self._style.abort_after, self._style.end_after}:
                    return
                if sent == self._style.half_after:
                    whole = b"".join(self._framed(chunk))
                    yield whole[: len(whole) // 2]
                    raise CutConnectionError
                for piece in self._framed(chunk):
                    if self._style.gate is not None and self._style.stall_after is None:
                        await self._style.gate.passed()
                    yield piece
                sent += 1

    def _framed(self, chunk: Piece) -> Iterable[bytes]:
        if isinstance(chunk, bytes):
            return self._framer.raw(chunk)
        return self._framer.end() if chunk is END else self._framer.chunk(chunk)

    async def _staged(self, sent: int) -> Iterable[bytes]:
        """What the style wants to happen after `sent` events."""
        style, framer = self._style, self._framer
        if sent == style.drop_after:
            raise CutConnectionError
        if sent == style.stall_after:
            if style.gate is not None:
                await style.gate.passed()
            else:
                await asyncio.Event().wait()  # until the client leaves, or the server does
        if sent == style.error_after:
            return [*framer.chunk({"type": "error", "errorText": "The stream failed on purpose."}), *framer.end()]
        if sent == style.abort_after:
            return [*framer.chunk({"type": "abort", "reason": "The stream was aborted on purpose."}), *framer.end()]
        if sent == style.malformed_after:
            return framer.frame('{"type": "text-delta", "id": ')
        return framer.unknown() if style.unknown_chunk and sent == 1 else ()
