"""The least that asyncio allows: a bare protocol that undoes HTTP chunks and cuts events, and reads no JSON at all.

Nothing in Python on asyncio's own loop can be much cheaper, so it shows what of a figure is the kernel and the event loop.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

from benchmarks.kinds import QUESTION, Ask, See

from .raw import cut

__all__ = ["floor"]

_BUFFER = 256 * 1024


class _Body(asyncio.BufferedProtocol):
    """The body of one response, without its chunks' frames."""

    def __init__(self) -> None:
        self._memory = bytearray(_BUFFER)
        self._view = memoryview(self._memory)
        self._raw = b""
        self._in_body = False
        self._pieces: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - always the same memory
        return self._view

    def buffer_updated(self, nbytes: int) -> None:
        """Undo the chunks that are whole."""
        data = self._raw + self._memory[:nbytes]
        position = 0
        if not self._in_body:
            position = data.find(b"\r\n\r\n") + 4
            self._in_body = position > 3  # noqa: PLR2004 - it was found
        while self._in_body and (line_end := data.find(b"\r\n", position)) >= 0:
            size = int(data[position:line_end], 16)
            end = line_end + 2 + size
            if len(data) < end + 2:
                break
            if size:
                self._pieces.append(data[line_end + 2 : end])
            else:
                self._ended = True
            position = end + 2
        self._raw = data[position:] if self._in_body else data
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the count will say it
        self._ended = True
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done() and (self._pieces or self._ended):
            self._waiter.set_result(None)

    async def receive(self) -> bytes:
        """All that has come since the last time; nothing at the end."""
        if not self._pieces and not self._ended:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        pieces, self._pieces = self._pieces, []
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)


@asynccontextmanager
async def floor(url: str) -> AsyncGenerator[Ask]:
    """One connection per question; events are handed over as the bytes of their JSON."""
    parts = urlsplit(url)
    body = json.dumps(QUESTION).encode()
    head = f"POST {parts.path} HTTP/1.1\r\nhost: {parts.netloc}\r\ncontent-length: {len(body)}\r\n\r\n".encode()

    async def ask(see: See) -> int:
        loop = asyncio.get_running_loop()
        transport, response = await loop.create_connection(_Body, parts.hostname or "", parts.port or 80)
        transport.write(head + body)
        count, rest = 0, b""
        while piece := await response.receive():
            frames, rest = cut(rest + piece if rest else piece)
            for frame in frames:
                see(frame)
            count += len(frames)
        transport.close()
        return count

    yield ask
