"""A server on a real socket that keeps its connections, writes down what it gets byte by byte, and counts."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import trustme

from kai_client import KaiClient, RetryPolicy, Timeouts

TOKEN = "12-345-SecretSecretSecret"
CHAT = "6f0a8f0e-0000-4000-8000-000000000000"
ONCE = RetryPolicy(attempts=1)
USAGE = b"""{"messagesUsed": 1, "messagesLimit": 2, "resetDate": "2026-11-20T10:00:00.000Z",
"id": "x", "success": true, "toolUseId": "c1", "approved": true}"""
"""An answer that fits whatever the tests here ask."""
EVENT = b'data: {"type":"text-delta","id":"0","delta":"Hi"}\n\n'
WHOLE = EVENT + b'data: {"type":"finish"}\n\ndata: [DONE]\n\n'
STREAM = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


@dataclass(frozen=True)
class Request:
    """A request as it came."""

    head: bytes
    body: bytes
    writer: asyncio.StreamWriter
    connection: int
    """The how manieth connection of the server it came on, from 1."""

    @property
    def line(self) -> bytes:
        """Method, target and version."""
        return self.head.partition(b"\r\n")[0]

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The headers, sorted, their names in lower case."""
        lines = [line.partition(b":") for line in self.head.rstrip(b"\r\n").split(b"\r\n")[1:]]
        return sorted((name.lower(), value.strip()) for name, _, value in lines)

    async def send(self, data: bytes) -> None:
        """Write and flush."""
        self.writer.write(data)
        await self.writer.drain()

    async def reply(self, body: bytes = USAGE, status: str = "200 OK", extra: str = "") -> None:
        """A whole answer, after which the connection stays open."""
        head = f"HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{extra}content-length: {len(body)}\r\n\r\n"
        await self.send(head.encode() + body)

    async def stream(self, body: bytes = WHOLE) -> None:
        """A whole stream, after which the connection stays open."""
        await self.send(STREAM + chunk(body) + b"0\r\n\r\n")


Answer = Callable[[Request], Awaitable[None]]


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


@dataclass
class WireServer:
    """What a server saw."""

    port: int = 0
    requests: list[Request] = field(default_factory=list[Request])
    connections: int = 0
    open: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set whenever a connection begins or ends, or a request has come."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}"

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        async with asyncio.timeout(20):
            while not holds():
                self.changed.clear()
                await self.changed.wait()

    async def until_free(self) -> None:
        """Wait until no connection is open."""
        await self.until(lambda: self.open == 0)

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, answer: Answer) -> None:
        """Serve a connection until either side ends it."""
        self.connections += 1
        self.open += 1
        number = self.connections
        self.changed.set()
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
                while True:
                    head = await reader.readuntil(b"\r\n\r\n")
                    request = Request(head, await _body(reader, head), writer, number)
                    self.requests.append(request)
                    self.changed.set()
                    await answer(request)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, ssl.SSLError):
                await writer.wait_closed()
            self.open -= 1
            self.changed.set()


async def _body(reader: asyncio.StreamReader, head: bytes) -> bytes:
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            return await reader.readexactly(int(line.partition(b":")[2]))
    return b""


async def usage(request: Request) -> None:
    """A good answer to whatever is asked for JSON, a short stream for the rest."""
    if b"text/event-stream" in request.head:
        await request.stream()
    else:
        await request.reply()


@asynccontextmanager
async def wire_server(
    answer: Answer = usage, certificate: trustme.LeafCert | None = None, host: str = "127.0.0.1"
) -> AsyncGenerator[WireServer]:
    """A server that answers every request of every connection; with a certificate it speaks TLS."""
    seen = WireServer()
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)  # pyright: ignore[reportUnknownMemberType] - it takes another library's, too
    server = await asyncio.start_server(
        lambda reader, writer: seen.connected(reader, writer, answer), host, 0, ssl=context
    )
    seen.port = server.sockets[0].getsockname()[1]
    try:
        yield seen
        await seen.until_free()
    finally:
        server.close()
        await server.wait_closed()


def client_of(url: str, *, retry: RetryPolicy = ONCE, **waits: float) -> KaiClient:
    """A client that is patient, but where a test says otherwise, and tries once."""
    timeouts = replace(Timeouts(connect=20, pool=20, idle=20), **waits)
    return KaiClient(TOKEN, "https://connection.keboola.com", url, timeouts, timeouts, retry=retry)
