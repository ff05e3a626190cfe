"""aiohttp's connections, requests and responses, where they differ from what httpx's own do."""

import asyncio
import asyncio.trsock
import contextlib
import functools
import select
from typing import TYPE_CHECKING, Any, Final, cast

import aiohttp
import httpx
from aiohttp import hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection

from .errors import before_sending, in_head
from .protocol import Handler

if TYPE_CHECKING:
    from aiohttp.tracing import Trace

__all__ = ["Connector", "Request", "Response"]

_HAVE_A_BODY: Final = frozenset({hdrs.METH_POST, hdrs.METH_PUT, hdrs.METH_PATCH})
_FIRST_STATUS: Final = 100


class Connector(aiohttp.TCPConnector):
    """Raises httpx's exceptions, and hands out no idle connection on which the server has said something since."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # pyright: ignore[reportUnknownMemberType] - one of aiohttp's types is unknown
        self._factory = cast("functools.partial[ResponseHandler]", functools.partial(Handler, loop=self._loop))

    def abandon(self) -> None:
        """Close what can be closed at once. Closing twice is fine."""
        with contextlib.suppress(Exception):  # it may be called anywhere, as finalizers are
            self._close()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: "list[Trace]",
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - aiohttp's name
    ) -> Connection:
        """A connection for a request."""
        while True:
            try:
                connection = await super().connect(req, traces, timeout)
            except Exception as error:  # noqa: BLE001 - all that there is
                failure = before_sending(error)
                break
            if _is_good(connection):
                return connection
            connection.close()
        raise failure  # not in the handler: see errors.py


class Request(aiohttp.ClientRequest):
    """Sends the headers that httpx made of it, and no others."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        """Write the request."""
        if self.method not in _HAVE_A_BODY and self.headers.get(hdrs.CONTENT_LENGTH) == "0":
            del self.headers[hdrs.CONTENT_LENGTH]
        try:
            return await super().send(conn)
        except Exception as error:  # noqa: BLE001 - all that there is
            failure = in_head(error)
        raise failure  # not in the handler: see errors.py


class Response(aiohttp.ClientResponse):
    """Raises httpx's exceptions: for some of its own aiohttp would send a request again."""

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        """Wait for the head."""
        try:
            response = await super().start(connection)
            _check(response)
            return response  # noqa: TRY300 - the check belongs to what is tried
        except Exception as error:  # noqa: BLE001 - all that there is
            failure = in_head(error)
        raise failure  # not in the handler: see errors.py


def _check(response: aiohttp.ClientResponse) -> None:
    """Refuse what h11 refuses and aiohttp does not, or not with each of its parsers."""
    head = [(name.lower(), value.strip().lower()) for name, value in response.raw_headers]
    if [value for name, value in head if name == b"transfer-encoding"] not in ([], [b"chunked"]):
        raise httpx.RemoteProtocolError("Only Transfer-Encoding: chunked is supported")
    if len({value for name, value in head if name == b"content-length"}) > 1:
        raise httpx.RemoteProtocolError("There are two lengths")
    if any(b"\0" in value for _, value in head):
        raise httpx.RemoteProtocolError("There is a NUL in the head")
    if response.status < _FIRST_STATUS:
        raise httpx.RemoteProtocolError(f"There is no status {response.status:03}")


def _is_good(connection: Connection) -> bool:
    """Whether a connection is new, or silent since its last answer: a word out of turn is an end, or meant for nobody."""
    handler = connection.protocol
    if not isinstance(handler, Handler):
        return True
    used, handler.used = handler.used, True
    return not used or not (handler.should_close or handler.transport is None or _readable(handler.transport))


def _readable(transport: asyncio.Transport) -> bool:
    """Whether there is something to read that the event loop has not seen yet."""
    connected: asyncio.trsock.TransportSocket | None = transport.get_extra_info("socket")
    if connected is None or connected.fileno() < 0:
        return True
    if not hasattr(select, "poll"):  # Windows, whose select() takes any descriptor
        return bool(select.select([connected.fileno()], [], [], 0)[0])
    poll = select.poll()
    poll.register(connected.fileno(), select.POLLIN)
    return bool(poll.poll(0))
