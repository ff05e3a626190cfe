"""A stream as its caller reads it: in order, whole, and never waited for in vain."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from nats.aio.msg import Msg

from kai_client.exceptions import KaiClosedError, KaiConnectionError, KaiError, KaiStreamError, KaiTimeoutError

from .call import KIND, codec_of
from .codecs import Codec, malformed
from .door import NO_RESPONDERS, Connection, Inbox, map_nats_errors, status_of
from .json_codec import json_bytes

__all__ = ["WINDOW", "ChunkReader"]

WINDOW: Final = 4 * 1024 * 1024
"""Bytes that may be on their way; the service waits until some of them were taken."""

_TELL: Final = WINDOW // 4
"""How many bytes are taken before the service is told."""


class ChunkReader:
    """The body of a streamed answer, as Kai's own event stream: a `Body` for the client.

    `silence` is how many seconds the service may send nothing, not even a heartbeat. What is lost on the way shows in the
    numbers of the chunks, and raises.
    """

    def __init__(self, connection: Connection, silence: float | None, on_close: Callable[[], None]) -> None:
        self._connection = connection
        self._silence = silence
        self._on_close = on_close
        self._inbox: Inbox | None = None
        self._arrived: deque[Msg] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._watch: asyncio.TimerHandle | None = None
        self._heard_at = 0.0
        self._control = ""
        self._pending = self._taken = self._told = 0
        self._index = 0
        self._failure: KaiError | None = None
        self._over = self._closed = False
        self._begun: bytes | None = None
        self.next: Callable[[], Awaitable[bytes]] = self._next

    async def begin(self, ask: Callable[[str], Awaitable[None]]) -> bool:
        """Listen, `ask` for the answer to a subject, and wait until it begins; False for one that is empty.

        Raises the service's `KaiError` where it refuses.
        """
        loop = asyncio.get_running_loop()
        subject = self._connection.new_inbox()
        with map_nats_errors():
            # Without a limit of nats-py's own, which would drop what is beyond it: the window bounds what is pending.
            self._inbox = await self._connection.subscribe(
                subject, cb=self._take, pending_msgs_limit=0, pending_bytes_limit=0
            )
            self._heard_at = loop.time()
            self._guard()
            await ask(subject)
        with suppress(StopAsyncIteration):
            self._begun = await self._next()
            return True
        return False

    async def _take(self, message: Msg) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if message.reply:
            self._control = message.reply
        self._pending += len(message.data)
        if self._pending > 2 * WINDOW + self._connection.max_payload:
            self.fail(KaiStreamError("The service sends more than is taken", "stream:overflow"))
            return
        self._arrived.append(message)
        self._wake()

    def fail(self, error: KaiError) -> None:
        """Nothing more will come, for this reason; what has arrived is read first."""
        if self._failure is None and not self._over:
            self._failure = error
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _guard(self) -> None:
        """Look whether the service still lives, when it could be dead at the earliest."""
        if self._silence is None or self._over or self._closed:
            return
        loop = asyncio.get_running_loop()
        dead_at = self._heard_at + self._silence
        if loop.time() < dead_at:
            self._watch = loop.call_at(dead_at, self._guard)
            return
        if self._control:
            lost = f"The service has fallen silent for {self._silence} s"
            self.fail(KaiStreamError(lost, "stream:broken"))
        else:
            self.fail(KaiTimeoutError(f"No service has taken the request within {self._silence} s", "timeout:idle"))

    async def _next(self) -> bytes:
        if self._begun is not None:
            begun, self._begun = self._begun, None
            return begun
        while True:
            while self._arrived:
                if data := self._frames(self._arrived.popleft()):
                    await self._tell()
                    return data
            if self._over:
                raise StopAsyncIteration
            if self._closed:
                raise KaiClosedError("The stream was closed", "closed")
            if self._failure is not None:
                raise self._failure
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None

    def _frames(self, message: Msg) -> bytes:
        """The events of a message as frames. Raises the error that it tells."""
        self._pending -= len(message.data)
        self._taken += len(message.data)
        if status_of(message) == NO_RESPONDERS:
            raise KaiConnectionError("No Kai service listens on this subject", "connection:no_service")
        headers = message.headers or {}
        codec = codec_of(headers)
        if codec is None:
            raise malformed(streaming=True)
        match headers.get(KIND):
            case "reply":
                error = codec.read_reply(message.data).error
                raise error.to_error() if error is not None else malformed(streaming=True)
            case "result":
                error = codec.read_result(message.data).error
                raise error.to_error() if error is not None else malformed(streaming=True)
            case _:
                return self._read(codec, message.data)

    def _read(self, codec: Codec, data: bytes) -> bytes:
        frames: list[bytes] = []
        for chunk in codec.read_chunks(data):
            if chunk.index != self._index:
                if chunk.index < self._index:
                    raise KaiStreamError(f"Chunk {chunk.index} has arrived twice or late", "stream:out_of_order")
                lost = f"Chunks {self._index} to {chunk.index - 1} were lost"
                raise KaiStreamError(lost, "stream:broken")
            self._index += 1
            if chunk.event is not None:
                frames.append(chunk.event)
            if chunk.is_final:
                self._over = True
                if chunk.error is not None:
                    self._failure = chunk.error.to_error()
                elif self._index > 1:
                    frames.append(b"[DONE]")
        if self._failure is not None and self._over:
            if not frames:
                raise self._failure
            self._over = False  # first the events, then the error
        return b"".join(b"data: %s\n\n" % frame for frame in frames)

    async def _tell(self) -> None:
        if self._taken - self._told >= _TELL and self._control and not self._over:
            self._told = self._taken
            with map_nats_errors():
                await self._connection.publish(self._control, json_bytes({"received": self._taken}))

    async def read(self) -> bytes | None:
        """The next frames; None after the last. Raises as `ended` does."""
        try:
            return await self.next()
        except Exception as error:  # noqa: BLE001 - all of them: see there
            await self.ended(error)
            return None

    async def ended(self, error: Exception) -> None:
        """Close it, since `next` has raised `error`. Raises the `KaiError` that it means; an orderly end is none."""
        await self.aclose()
        if isinstance(error, StopAsyncIteration):
            return
        if isinstance(error, KaiError):
            raise error
        raise KaiStreamError("The stream broke off", "stream:broken", type(error).__name__) from error

    async def aclose(self) -> None:
        """Have the service stop, and listen no more; closing twice is fine."""
        if self._closed:
            return
        self._closed = True
        self._wake()
        self._on_close()
        if self._watch is not None:
            self._watch.cancel()
        inbox, self._inbox = self._inbox, None
        if inbox is None:
            return
        with suppress(KaiError), map_nats_errors():  # the connection is closed: then nobody listens anyway
            await inbox.unsubscribe()
            if self._control and not self._over and self._failure is None:
                await self._connection.publish(self._control, json_bytes({"cancel": True}))
