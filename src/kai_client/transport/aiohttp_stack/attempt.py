"""One request on its way: how long it may wait for what, until the answer's head is there."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from types import SimpleNamespace
from typing import Final, Literal

import aiohttp
import httpx

__all__ = ["Attempt", "Sent", "tracing"]

Stage = Literal["pool", "connect", "write"]

_LATE: Final[Mapping[Stage, type[httpx.TimeoutException]]] = {
    "pool": httpx.PoolTimeout,
    "connect": httpx.ConnectTimeout,
    "write": httpx.WriteTimeout,
}
_PIECE: Final = 64 * 1024


class Attempt:
    """The waits of a request, one after the other, in `deadline`: a context manager around all of them."""

    def __init__(self, seconds: Mapping[str, float | None]) -> None:
        self.seconds = seconds
        self.deadline: asyncio.Timeout = asyncio.timeout(None)
        self._stage: Stage = "connect"
        self._over = False

    def wait(self, stage: Stage) -> None:
        """From now on it waits for this."""
        self._stage = stage
        seconds = self.seconds.get(stage)
        self._until(None if seconds is None else asyncio.get_running_loop().time() + seconds)

    def arrived(self) -> None:
        """What it waited for has come."""
        self._until(None)

    def end(self) -> None:
        """There is nothing more to wait for here; whoever still sends has no deadline."""
        self._over = True

    def late(self) -> httpx.TimeoutException | None:
        """What to raise when the deadline has passed."""
        return _LATE[self._stage](f"{self._stage}: not in time") if self.deadline.expired() else None

    def _until(self, when: float | None) -> None:
        if not self._over:
            self.deadline.reschedule(when)


class Sent:
    """The body of a request, each piece of which has its time to be sent."""

    def __init__(self, content: bytes | httpx.AsyncByteStream, attempt: Attempt) -> None:
        self._pieces = aiter(content) if isinstance(content, httpx.AsyncByteStream) else aiter(_Pieces(content))
        self._attempt = attempt

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        try:
            piece = await anext(self._pieces)
        except StopAsyncIteration:
            self._attempt.arrived()
            raise
        self._attempt.wait("write")
        return piece


class _Pieces:
    """Bytes as an iterator without a generator's finalizer, which would need the event loop."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._next = 0

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        start, self._next = self._next, self._next + _PIECE
        if start >= len(self._content):
            raise StopAsyncIteration
        return self._content[start : self._next]


def tracing() -> aiohttp.TraceConfig:
    """How aiohttp tells an `Attempt`, given as its `trace_request_ctx`, what it waits for."""
    config = aiohttp.TraceConfig()
    config.on_connection_queued_start.append(_queued)
    config.on_connection_queued_end.append(_arrived)
    config.on_connection_create_start.append(_connecting)
    config.on_connection_create_end.append(_arrived)
    return config


async def _queued(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    _attempt(context).wait("pool")


async def _connecting(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    _attempt(context).wait("connect")


async def _arrived(_: aiohttp.ClientSession, context: SimpleNamespace, __: object) -> None:
    _attempt(context).arrived()


def _attempt(context: SimpleNamespace) -> Attempt:
    attempt: Attempt = context.trace_request_ctx
    return attempt
