"""The head of an answer apart from what comes after it.

aiohttp's parser takes all that has arrived at once, and where it finds a fault in it, it forgets what was right before: a whole
answer with one byte too many would be no answer. And nobody tells the reader of a body whose later bytes are no HTTP.
"""

import re
from collections.abc import Sequence
from typing import Any, Final, TypeAlias, cast

from aiohttp import ClientPayloadError, StreamReader
from aiohttp.client_proto import ResponseHandler
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import HttpParser, RawResponseMessage

from .errors import first_line

__all__ = ["HEAD_BYTES", "Handler"]

HEAD_BYTES: Final = 100 * 1024
"""As much as httpx's own stack takes."""

_Fed: TypeAlias = tuple[Sequence[tuple[RawResponseMessage, StreamReader]], bool, bytes]

_BLANK_LINE: Final = re.compile(rb"\n\r?\n")
_KEPT: Final = 3
"""So much of a blank line can be at the end of a piece."""
_CHUNKED: Final = re.compile(rb"^transfer-encoding:[ \t]*chunked[ \t]*\r?$", re.IGNORECASE | re.MULTILINE)
_LENGTH: Final = re.compile(rb"^content-length:[^\n]*\n", re.IGNORECASE | re.MULTILINE)
_INFORMATIONAL: Final = frozenset(range(100, 200)) - {101}
"""After these another head follows."""


class Handler(ResponseHandler):
    """A connection whose reader hears of every fault, and loses nothing that came before it."""

    used = False
    """Whether it has been given to a request."""
    body: StreamReader | None = None
    """Of the last answer, once its head is there."""

    def set_response_params(self, **params: Any) -> None:
        """Begin with another answer."""
        super().set_response_params(**params)
        self.body = None
        # Only for the head: afterwards aiohttp has its own parser again.
        real: HttpParser[RawResponseMessage] | None = self._parser
        if real:
            self._parser = cast("HttpParser[RawResponseMessage]", _HeadFirst(self, real))

    def head_is_there(self, parser: "HttpParser[RawResponseMessage]", body: StreamReader) -> None:
        """From now on `parser` reads `body`."""
        self._parser, self.body = parser, body

    def close(self) -> None:
        """Close at once: neither what is still to be sent nor the farewell of TLS is waited for."""
        transport = self.transport
        super().close()
        if transport is not None:
            transport.abort()

    def set_exception(self, exc: BaseException, exc_cause: BaseException | None = None) -> None:
        """End the connection: whoever waits for a head raises `exc`."""
        super().set_exception(exc, *([] if exc_cause is None else [exc_cause]))
        if isinstance(exc, HttpProcessingError):
            self.broken(exc)

    def broken(self, error: HttpProcessingError) -> None:
        """What came last is no HTTP: the rest of the body, or nobody's business where that is complete."""
        self.force_close()
        body = self.body
        if body is not None and not body.is_eof() and body.exception() is None:
            body.set_exception(ClientPayloadError(first_line(error.message)))


class _HeadFirst:
    """A parser that is fed whole heads, until there is one that is no informational one; and no more than that at once."""

    def __init__(self, handler: Handler, parser: "HttpParser[RawResponseMessage]") -> None:
        self._handler = handler
        self._parser = parser
        self._head = bytearray()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._parser, name)

    def feed_data(self, data: bytes) -> _Fed:
        """The head that `data` completes; not the informational ones before it, after which aiohttp forgets its timer."""
        begin = max(0, len(self._head) - _KEPT)
        self._head += data
        while end := _BLANK_LINE.search(self._head, begin):
            head = _of_one_length(bytes(self._head[: end.end()]))
            del self._head[: end.end()]
            begin = 0
            fed, upgraded, tail = self._parser.feed_data(head)
            if fed and fed[-1][0].code not in _INFORMATIONAL:
                self._handler.head_is_there(self._parser, fed[-1][1])
                if upgraded:
                    return fed, upgraded, tail + bytes(self._head)
                self._feed_body(bytes(self._head))
                return fed, False, b""
        if len(self._head) > HEAD_BYTES:
            raise HttpProcessingError(message=f"It is larger than {HEAD_BYTES} bytes")
        return [], False, b""

    def _feed_body(self, data: bytes) -> None:
        if not data:
            return
        try:
            more, _, _ = self._parser.feed_data(data)
        except HttpProcessingError as error:
            self._handler.broken(error)
        else:
            if more:  # an answer to nothing
                self._handler.force_close()


def _of_one_length(head: bytes) -> bytes:
    """A head with nothing but the framing that counts: some gateways name a length for a body that comes in chunks."""
    return _LENGTH.sub(b"", head) if _CHUNKED.search(head) else head
