"""A raw server on a real socket that answers as badly as it is told to, and counts the connections that are open."""

import asyncio
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from raw_sockets import RawServer, listening, read_request

TOKEN = "12-345-SecretSecretSecret"


@dataclass(frozen=True)
class Exchange:
    """One request, and the good answer to it, for a fault to spoil."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    request: str
    body: bytes
    content_type: str

    async def send(self, data: bytes) -> None:
        """Write and flush."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, body: bytes | None = None, **head: str | int | None) -> None:
        """A whole response; see `head`."""
        body = self.body if body is None else body
        await self.send(self.head(length=head.pop("length", len(body)), **head) + body)

    def head(
        self,
        status: str | int | None = "200 OK",
        content_type: str | int | None = "",
        extra: str | int | None = "",
        length: str | int | None = None,
    ) -> bytes:
        """A response head: `content_type` None leaves it out, so does `length`."""
        kind = self.content_type if content_type == "" else content_type
        lines = [f"HTTP/1.1 {status}", "connection: close"]
        lines += [] if kind is None else [f"content-type: {kind}"]
        lines += [] if length is None else [f"content-length: {length}"]
        return "\r\n".join(lines).encode() + b"\r\n" + str(extra).encode() + b"\r\n"

    async def drip(self, data: bytes, seconds: float = 0.0) -> None:
        """One byte at a time."""
        for byte in data:
            await self.send(bytes([byte]))
            await asyncio.sleep(seconds)

    async def for_ever(self, piece: bytes, seconds: float = 0.0) -> None:
        """The same piece until the client is gone."""
        while True:
            await self.send(piece)
            await asyncio.sleep(seconds)

    def end(self) -> None:
        """Say that nothing more will come, and keep listening."""
        self.writer.write_eof()

    def close(self) -> None:
        """Close, as a process does that ends."""
        self.writer.close()

    def reset(self) -> None:
        """Close with a reset, as a machine does that was switched off and on."""
        raw: socket.socket = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Serve = Callable[[Exchange], Awaitable[None]]


@asynccontextmanager
async def fault_server(
    serve: Serve, body: bytes = b"{}", content_type: str = "application/json", *, first: bytes | None = None
) -> AsyncGenerator[RawServer]:
    """Serves one request per connection, then waits for the client to leave; `first` answers a GET that precedes."""
    seen = RawServer()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await read_request(reader)
        seen.requests.append(request)
        exchange = Exchange(reader, writer, request, body, content_type)
        if first is not None and request.startswith("GET"):
            await exchange.reply(first, content_type="application/json")
        else:
            await serve(exchange)
        while await reader.read(65536):
            pass

    async with listening(seen, answer):
        yield seen
        await seen.until_free()


def unused_port() -> int:
    """A port on which nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
