"""Bytes to frames: the text of each event's data, however the bytes are cut.

The event-stream rules are those of httpx-sse. What it lacks is completed here (protocol 4.2, recommended column): a byte
order mark at the start, `data:` lines that are separated by a single newline although each is an event of its own, a last
event without its blank line, and a bound on the size of one event.
"""

import codecs
import re
from collections.abc import Iterator
from typing import Final

# The incremental decoders are not exported by httpx-sse 0.4, whose public `EventSource` can only pull from a response.
from httpx_sse._decoders import SSEDecoder, SSELineDecoder  # pyright: ignore[reportPrivateUsage]

from kai_client.exceptions import KaiStreamError

_TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"?|[{}\[\]]')


class FrameDecoder:
    """Feed it bytes, it yields the data of each event; any cut of the same bytes yields the same data."""

    def __init__(self, max_event_bytes: int) -> None:
        self._max = max_event_bytes
        # The replacement character for broken UTF-8 and the byte order mark are the WHATWG rules for event streams.
        self._utf8 = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._lines = SSELineDecoder()
        self._sse = SSEDecoder()
        self._pending = _PendingData()
        self._growing = 0
        """Bytes of the line that is still growing."""
        self.silent: bool = True
        """Nothing but comments and blank lines has come."""
        self.idle: bool = True
        """Nothing is half read: what comes next begins an event."""

    def begin(self) -> None:
        """Events were read elsewhere: what is fed from now on is not the beginning of the stream."""
        self.silent = False
        self._utf8.setstate((b"", 0))  # so that a byte order mark is no longer one

    def feed(self, data: bytes) -> Iterator[str]:
        """The events that `data` completes. Raises `KaiStreamError` for one that is larger than the bound."""
        text = self._utf8.decode(data)
        if text:
            lines = self._lines.decode(text)
            # What began no line so far has grown; else only what follows the last line end is left.
            self._growing = sum(map(_byte_length, self._lines.buffer)) if lines else self._growing + _byte_length(text)
            yield from self._decode(lines)
        self._check_growth()
        half_read = self._utf8.getstate()[0] or self._lines.buffer or self._lines.trailing_cr or self._pending.size
        self.idle = not half_read

    def close(self) -> Iterator[str]:
        """The events that the end of the body completes: a last one without its blank line counts."""
        tail = self._utf8.decode(b"", final=True)
        if tail:
            yield from self._decode(self._lines.decode(tail))
        yield from self._decode([*self._lines.flush(), ""])

    def _decode(self, lines: list[str]) -> Iterator[str]:
        for line in lines:
            if line.startswith("data") and line[4:5] in {"", ":"}:
                if self._pending.is_complete():
                    yield from self._dispatch()
                self._pending.add(line)
            if line:
                self.silent = self.silent and line.startswith(":")
                self._sse.decode(line)
            else:
                yield from self._dispatch()

    def _dispatch(self) -> Iterator[str]:
        self._check_size(self._pending.size)
        self._pending.clear()
        event = self._sse.decode("")
        if event is not None and event.data.strip():
            yield event.data

    def _check_growth(self) -> None:
        """What is whole is no part of what is still growing: the next line begins another event."""
        separate = self._growing > 0 and self._pending.is_complete()
        self._check_size(max(self._pending.size, self._growing) if separate else self._pending.size + self._growing)

    def _check_size(self, size: int) -> None:
        if size > self._max:
            raise KaiStreamError(f"One event is larger than {self._max} bytes", code="stream:event_too_large")


def _byte_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


class _PendingData:
    """The data lines since the last event, and whether they already are one whole JSON value.

    Both line styles must be read: JSON spread over several `data:` lines, and one event per line without blank lines
    between them. The nesting of brackets tells them apart in linear time, since no JSON string spans two lines.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self.size = 0
        self._depth = 0
        self._seen = False
        self._unread: list[str] = []

    def add(self, line: str) -> None:
        self.size += _byte_length(line)
        self._unread.append(line)

    def is_complete(self) -> bool:
        for line in self._unread:
            value = line.partition(":")[2]
            self._seen = self._seen or bool(value.strip())
            for token in _TOKEN.findall(value):
                self._depth += {"{": 1, "[": 1, "}": -1, "]": -1}.get(token, 0)
        self._unread.clear()
        return self._seen and self._depth <= 0
