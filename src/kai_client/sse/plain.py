"""The plain form of an event stream: what every sender of this format writes, cut in a few steps for all events of a piece.

A piece is plain if it is `data: ...` frames and nothing else: no other field, no comment, no carriage return, no frame of
more than one line, and nothing that looks like a number and is none. Then the event-stream rules say no more than to split it at the blank lines.
"""

from typing import Final

__all__ = ["CARRIAGE_RETURN", "HELD", "START", "cut"]

HELD: Final = 8 * 1024
"""Bytes of an incomplete frame that wait for their rest; a longer one is taken by the piece, not copied again and again."""

CARRIAGE_RETURN: Final = 0x0D
_NEWLINE: Final = 0x0A
"""As numbers: bytes look for other bytes by way of an exception."""

START: Final = b"data: "
"""Of a plain frame."""

_BETWEEN: Final = b"\n\n" + START
_BYTES_PER_HOP: Final = 256
"""From one capital to the next is quicker than a look at every byte, unless they are closer together."""


def cut(data: bytes) -> tuple[list[bytes], bytes] | None:
    """The data of the frames that `data` holds whole, and the incomplete frame at its end; None where it is not plain."""
    if not data.startswith(START) or CARRIAGE_RETURN in data or _holds(data, b"NaN") or _holds(data, b"Infinity"):
        return None
    end = data.rfind(b"\n\n")
    if end < 0:
        frames, rest = list[bytes](), data
    else:
        frames, rest = data[len(START) : end].split(_BETWEEN), data[end + 2 :]
        if _NEWLINE in b"".join(frames):  # quicker than to count them
            return None
    # A line end may complete an event of a sender that writes no blank lines: that cannot wait.
    return None if rest.find(b"\n", 0, -1) >= 0 else (frames, rest)


def _holds(data: bytes, word: bytes) -> bool:
    """Whether `word` is somewhere in `data`; quick where its first letter is rare."""
    find, first = data.find, word[:1]
    at = find(first)
    for _ in range(len(data) // _BYTES_PER_HOP):
        if at < 0 or data.startswith(word, at):
            break
        at = find(first, at + 1)
    return at >= 0 and find(word, at) >= 0
