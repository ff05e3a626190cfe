"""What raw servers on real sockets have in common: a port, and a count of the connections that are open."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = ["RawServer", "chunk", "listening", "read_request"]

_TLS = b"\x16"
"""With which a client begins that speaks it; nobody here does."""


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@dataclass
class RawServer:
    """What a server saw, and how many of its connections are open."""

    url: str = ""
    requests: list[str] = field(default_factory=list[str])
    """Head and body of each."""
    connections: int = 0
    """How many there were."""
    open: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a connection ends."""

    async def until_free(self) -> None:
        """Wait until no connection is open."""
        while self.open:
            self.left.clear()
            await self.left.wait()


@asynccontextmanager
async def listening(
    seen: RawServer, serve: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
) -> AsyncGenerator[None]:
    """A port at which `serve` has every connection, until the client or the server leaves it."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.connections += 1
        seen.open += 1
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
                await serve(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
            seen.open -= 1
            seen.left.set()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=2**20, backlog=1000)
    host, port = server.sockets[0].getsockname()[:2]
    seen.url = f"http://{host}:{port}"
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


async def read_request(reader: asyncio.StreamReader) -> str:
    """A request, head and body."""
    first = await reader.readexactly(1)
    if first == _TLS:
        raise ConnectionResetError
    head = (first + await reader.readuntil(b"\r\n\r\n")).decode()
    for line in head.lower().splitlines():
        if line.startswith("content-length:"):
            return head + (await reader.readexactly(int(line.partition(":")[2]))).decode("utf-8", "surrogatepass")
    return head
