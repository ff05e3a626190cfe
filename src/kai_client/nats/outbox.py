"""The way of a stream to its caller: in order, no more of it at once than the caller takes, and heard when it is gone.

Every message says where to answer, the `control` subject. There the caller says how many bytes it has taken, or that it wants
no more; and the broker says there when nobody listens to the stream any more.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Final

from nats.aio.msg import Msg

from kai_client.exceptions import KaiError, KaiStreamError

from .call import Call
from .door import NO_RESPONDERS, TOO_LARGE, Connection, map_nats_errors, status_of
from .json_codec import json_value
from .messages import Chunk

__all__ = ["HEARTBEAT_SECONDS", "Outbox"]

HEARTBEAT_SECONDS: Final = 0.4
"""How often at least something is sent; a caller that has gone is noticed as quickly."""

_MESSAGE_BYTES: Final = 128 * 1024
"""Events that are ready together travel together, up to about this size."""


class Outbox:
    """Sends the chunks of one stream. `window` bounds the bytes that the caller has not taken yet; None: it does not say."""

    def __init__(self, call: Call, window: int | None) -> None:
        self._call = call
        self._window = window
        self._connection: Connection = call.broker.connection
        self._control = self._connection.new_inbox()
        self.count: int = 0
        """How many chunks were sent."""
        self._sent = 0
        self._taken = 0
        self._moved = asyncio.Event()
        """The caller has taken something."""
        self._busy = False
        """Something was sent since the last beat."""
        self._leave: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def open(self, leave: Callable[[], None]) -> AsyncGenerator[None]:
        """Listens and beats; `leave` is called when the caller wants no more, or is gone."""
        self._leave = leave
        inbox = await self._connection.subscribe(self._control, cb=self._heard)
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beating.cancel()
            with contextlib.suppress(KaiError), map_nats_errors():
                await inbox.unsubscribe()

    async def _beat(self) -> None:
        while True:
            if not self._busy:
                with contextlib.suppress(KaiError), map_nats_errors():
                    await self._call.chunks((), self._control)
            self._busy = False
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def _heard(self, message: Msg) -> None:
        if status_of(message) == NO_RESPONDERS:
            self._leave()
            return
        with contextlib.suppress(ValueError):
            match json_value(message.data):
                case {"cancel": True}:
                    self._leave()
                case {"received": int(taken)}:
                    self._taken = max(self._taken, taken)
                    self._moved.set()
                case _:
                    pass

    async def send(self, chunks: Sequence[Chunk]) -> None:
        """Send them, as soon as the caller has room. Raises `KaiStreamError` for an event that the broker would not take."""
        start = size = 0
        for place, chunk in enumerate(chunks):
            each = _size(chunk)
            if size and size + each > _MESSAGE_BYTES:
                await self._send(chunks[start:place])
                start, size = place, 0
            size += each
        await self._send(chunks[start:])

    async def end(self, final: Chunk) -> None:
        """Send the last one, for which there is always room."""
        with map_nats_errors():
            await self._call.chunks([final], "")

    async def _send(self, chunks: Sequence[Chunk]) -> None:
        if not chunks:
            return
        if self._window is not None:
            while self._sent - self._taken >= self._window:
                self._moved.clear()
                await self._moved.wait()
        try:
            with map_nats_errors():
                self._sent += await self._call.chunks(chunks, self._control)
        except KaiError as error:
            if error.code != TOO_LARGE:
                raise
            await self._send_apart(chunks)
            return
        self.count += len(chunks)
        self._busy = True

    async def _send_apart(self, chunks: Sequence[Chunk]) -> None:
        """More than the broker takes at once, of which nothing was sent."""
        half = len(chunks) // 2
        if not half:
            size, most = _size(chunks[0]), self._connection.max_payload
            raise KaiStreamError(
                f"An event has {size} bytes; the broker takes {most} in a message (max_payload)",
                "stream:event_too_large",
            )
        await self._send(chunks[:half])
        await self._send(chunks[half:])


def _size(chunk: Chunk) -> int:
    delta = 0 if not chunk.delta else len(chunk.delta) if chunk.delta.isascii() else len(chunk.delta.encode())
    return len(chunk.event or b"") + delta
