"""A raw server on a real socket: it answers what it is told to, and counts the connections that are open."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = b'data: {"type":"text-delta","id":"0","delta":"Hi"}\n\ndata: {"type":"finish"}\n\ndata: [DONE]\n\n'

Writer = asyncio.StreamWriter
Answer = Callable[[Writer], Awaitable[None]]


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def body(data: bytes, status: str = "200 OK", content_type: str | None = "text/event-stream", extra: str = "") -> bytes:
    """A whole response with a content length; the server answers one request per connection."""
    kind = "" if content_type is None else f"content-type: {content_type}\r\n"
    return f"HTTP/1.1 {status}\r\n{kind}{extra}connection: close\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data


@dataclass
class RawServer:
    """What the server saw, and how many of its connections are open."""

    url: str = ""
    heads: list[str] = field(default_factory=list[str])
    open: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a connection ends."""

    async def until_free(self) -> None:
        """Wait until no connection is open."""
        while self.open:
            self.left.clear()
            await self.left.wait()


@asynccontextmanager
async def raw_server(answer: Answer) -> AsyncGenerator[RawServer]:
    """A server that reads one request per connection and lets `answer` write what comes back, then waits for its end."""
    seen = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        seen.open += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            seen.heads.append(head)
            for line in head.lower().splitlines():
                if line.startswith("content-length:"):
                    await reader.readexactly(int(line.partition(":")[2]))
            await answer(writer)
            await reader.read()  # until the client is gone
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            seen.open -= 1
            seen.left.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()[:2]
    seen.url = f"http://{host}:{port}"
    try:
        yield seen
    finally:
        server.close()
        await server.wait_closed()


def replying(data: bytes) -> Answer:
    """An answer that writes `data` and then stays silent with the connection open."""

    async def answer(writer: Writer) -> None:
        writer.write(data)
        await writer.drain()

    return answer


def hanging_up(data: bytes) -> Answer:
    """An answer that writes `data` and closes the connection."""

    async def answer(writer: Writer) -> None:
        writer.write(data)
        await writer.drain()
        writer.close()

    return answer
