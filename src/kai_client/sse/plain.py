"""The plain form of an event stream: what every sender of this format writes, cut in a few steps for all events of a piece.

A piece is plain if it is `data: ...` frames and nothing else: no other field, no comment, no carriage return, no frame of
more than one line, and nothing that looks like a number and is none. Then the event-stream rules say no more than to split it at the blank lines.
"""

import re
from typing import Final, NamedTuple

from kai_client.events.plain import DELTAS, Reader, plain_reader, run_of

__all__ = ["HELD", "Cut", "cut"]

HELD: Final = 8 * 1024
"""Bytes of an incomplete frame that wait for their rest; a longer one is taken by the piece, not copied again and again."""

_START: Final = b"data: "
_UNUSUAL: Final = (b"\r", b"NaN", b"Infinity")
_BLANK_LINE: Final = b"\n\n"
_BETWEEN: Final = b"\n\ndata: "
_TYPED: Final = re.compile(rb'data: (\{"type": ?"(%b)", ?)' % "|".join(DELTAS).encode())


class Cut(NamedTuple):
    """The frames that a piece holds whole, as `read` reads them, and the incomplete one at its end.

    Where all are deltas of one type, as most are, the beginning `head` of each is `short`ened.
    """

    frames: list[bytes]
    rest: bytes
    read: Reader
    head: bytes = b""
    short: bytes = b""

    def original(self, frame: bytes) -> bytes:
        """One of the frames as it came."""
        return self.head + frame[len(self.short) :]


def cut(data: bytes) -> Cut | None:
    """What `data` consists of; None where it is not plain."""
    if not data.startswith(_START) or any(data.find(each) >= 0 for each in _UNUSUAL):
        return None
    end = data.rfind(b"\n\n")
    if end < 0:
        found = Cut([], data, plain_reader())
    else:
        found = _run(data, end) or Cut(data[len(_START) : end].split(_BETWEEN), data[end + 2 :], plain_reader())
        if data.count(b"\n", 0, end) != 2 * (len(found.frames) - 1):
            return None
    # A line end may complete an event of a sender that writes no blank lines: that cannot wait.
    return None if found.rest.find(b"\n", 0, -1) >= 0 else found


def _run(data: bytes, end: int) -> Cut | None:
    """The frames up to `end`, if all are deltas of the first one's type."""
    first = _TYPED.match(data)
    if first is None:
        return None
    head = first[1]
    short, read = run_of(first[2].decode())
    body, long_start, short_start = data[first.end() : end], _BETWEEN + head, _BLANK_LINE + short
    shortened = body.replace(long_start, short_start)
    frames = (short + shortened).split(_BLANK_LINE)
    # Seen by the length how many were replaced: to search for what was not takes longer than all the rest.
    if len(body) - len(shortened) != (len(frames) - 1) * (len(long_start) - len(short_start)):
        return None
    return Cut(frames, data[end + 2 :], read, head, short)
