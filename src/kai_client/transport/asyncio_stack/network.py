"""asyncio as httpcore's network: sockets, TLS, and their exceptions."""

import asyncio
import contextlib
import ssl
from collections.abc import Generator, Iterable
from typing import Any, Final

import httpcore

from kai_client.transport.heads import HEAD_END, MOST_HEAD_BYTES, NO_FINAL_HEAD, REQUEST, named_length

from .attempt import network_of_attempt
from .connecting import connect
from .wire import Wire

__all__ = ["Network", "NetworkStream"]

_YEARS: Final = 1e8
"""The caller knows how long to wait; asyncio would give up after a minute."""

_SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Network(httpcore.AsyncNetworkBackend):
    """Connections of the running event loop.

    httpcore's own goes through anyio, whose objects and deadlines cost several times what an event does.
    """

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's name
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> "NetworkStream":
        """A connection. Raises httpcore's `ConnectError` and `ConnectTimeout`."""
        with _mapped(httpcore.ConnectError, httpcore.ConnectTimeout):
            async with asyncio.timeout(timeout):
                wire = await connect(host, port, local_address)
            own = wire.transport.get_extra_info("socket")
            for option in socket_options or ():
                own.setsockopt(*option)
        return NetworkStream(wire)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class NetworkStream(httpcore.AsyncNetworkStream):
    """A connection as httpcore reads and writes it.

    The head of an answer is read apart from its body: what reads `wire` from there on misses nothing, as long as the HTTP
    parser has not been given more.
    """

    def __init__(self, wire: Wire) -> None:
        self.wire: Wire = wire
        self.at_body: bool = False
        """Whether the head of the last answer was read, and nothing of its body."""
        self._in_head = False
        self._left = 0
        """Of a body whose length the head names. What is behind it is not for the parser, which would keep it for the next answer."""

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's name
        """What is there, at least a byte; empty at the end. Raises httpcore's `ReadError` and `ReadTimeout`."""
        with _mapped(httpcore.ReadError, httpcore.ReadTimeout):
            if self._in_head:
                return await self._head(timeout)
            self.at_body = False
            data = await self._some(min(max_bytes, self._left or max_bytes), timeout)
            self._left -= min(self._left, len(data))
            return data

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's name
        """Send it all. Raises httpcore's `WriteError` and `WriteTimeout`."""
        if REQUEST.match(buffer):  # not what is said to a SOCKS proxy
            self._in_head = True
        self.at_body = False
        with _mapped(httpcore.WriteError, httpcore.WriteTimeout):
            async with asyncio.timeout(timeout):
                await self.wire.write(buffer)

    async def aclose(self) -> None:
        """Close it. Closing twice is fine."""
        await self.wire.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's name
    ) -> "NetworkStream":
        """The same connection, encrypted. Raises httpcore's `ConnectError` and `ConnectTimeout`."""
        wire = self.wire
        wire.take()  # whatever was said in the clear is no part of it
        try:
            with _mapped(httpcore.ConnectError, httpcore.ConnectTimeout):
                async with asyncio.timeout(timeout):
                    wire.transport = await _encrypted(wire, ssl_context, server_hostname)
        except BaseException:
            await self.aclose()
            raise
        return NetworkStream(wire)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks for, by its names; None for what is not known."""
        match info:
            case "is_readable":
                return self.wire.is_readable()
            case "ssl_object" | "socket":
                return self.wire.transport.get_extra_info(info)
            case "client_addr":
                return self.wire.transport.get_extra_info("sockname")
            case "server_addr":
                return self.wire.transport.get_extra_info("peername")
            case _:
                return None

    async def _head(self, seconds: float | None) -> bytes:
        head = b""
        while not (end := HEAD_END.search(head)):
            piece = await self._some(MOST_HEAD_BYTES, seconds) if len(head) <= MOST_HEAD_BYTES else b""
            if not piece:
                self._in_head = False
                return head
            head += piece
        self.wire.give_back(head[end.end() :])
        self._in_head = NO_FINAL_HEAD.match(head) is not None
        self.at_body = not self._in_head
        self._left = named_length(head)
        return head[: end.end()]

    async def _some(self, most: int, seconds: float | None) -> bytes:
        wire = self.wire
        while not (data := wire.take_some(most)):
            if wire.error is not None:
                raise wire.error
            if wire.ended:
                break
            async with asyncio.timeout(seconds):
                await wire.arrival
        return data


async def _encrypted(wire: Wire, context: ssl.SSLContext, name: str | None) -> asyncio.Transport:
    loop = asyncio.get_running_loop()
    transport = await loop.start_tls(wire.transport, wire, context, server_hostname=name, ssl_handshake_timeout=_YEARS)
    if transport is None:
        raise ConnectionResetError("The connection was closed")
    return transport


@contextlib.contextmanager
def _mapped(broken: type[httpcore.NetworkError], late: type[httpcore.TimeoutException]) -> Generator[None]:
    """What the system says, in httpcore's words."""
    try:
        with network_of_attempt():
            yield
    except TimeoutError as error:
        # The system's own, ETIMEDOUT, has a number.
        raise (late if error.errno is None else broken)(str(error)) from error
    except OSError as error:  # also what TLS says
        raise broken(str(error)) from error
