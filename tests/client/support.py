"""A raw server on a real socket: it answers what it is told to, and counts the connections that are open."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from raw_sockets import RawServer, listening, read_request

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
WHOLE = b'data: {"type":"text-delta","id":"0","delta":"Hi"}\n\ndata: {"type":"finish"}\n\ndata: [DONE]\n\n'

Writer = asyncio.StreamWriter
Answer = Callable[[Writer], Awaitable[None]]


def body(data: bytes, status: str = "200 OK", content_type: str | None = "text/event-stream", extra: str = "") -> bytes:
    """A whole response with a content length; the server answers one request per connection."""
    kind = "" if content_type is None else f"content-type: {content_type}\r\n"
    return f"HTTP/1.1 {status}\r\n{kind}{extra}connection: close\r\ncontent-length: {len(data)}\r\n\r\n".encode() + data


@asynccontextmanager
async def raw_server(answer: Answer) -> AsyncGenerator[RawServer]:
    """A server that reads one request per connection and lets `answer` write what comes back, then waits for its end."""
    seen = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        seen.requests.append(await read_request(reader))
        await answer(writer)
        await reader.read()  # until the client is gone

    async with listening(seen, serve):
        yield seen


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
