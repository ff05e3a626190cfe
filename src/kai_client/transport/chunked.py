"""HTTP's chunks undone, for bodies whose chunks are events (RFC 9112, 7.1).

Only what is plain: at the last chunk, at an extension, at anything that is wrong it stops, and what begins there is for a whole
HTTP parser.
"""

import re
from functools import lru_cache
from typing import Final

__all__ = ["LAST", "Chunks"]

LAST: Final = b"0\r\n\r\n"
"""The last chunk of a body that ends without trailers."""

_LINE_END: Final = b"\r\n"
_SIZE: Final = re.compile(rb"[0-9A-Fa-f]{1,15}")
_LONGEST_LINE: Final = 15 + len(_LINE_END)


class Chunks:
    """What is inside the chunks, across all cuts."""

    def __init__(self) -> None:
        self.stopped: bool = False
        """Whether `rest` is for somebody else."""
        self.rest: bytes = b""
        """What was not undone: less than a line, until it stops."""
        self._left: int = 0
        """Of the chunk that is open, with the end of its line."""

    def feed(self, data: bytes) -> bytes:
        """The content of what has arrived. Not to be called once it has stopped."""
        if self.rest:
            data = self.rest + data
        elif not self._left:
            # Token by token a chunk comes alone, and whole.
            line, _, content = data.partition(_LINE_END)
            if content[-2:] == _LINE_END and len(line) < _LONGEST_LINE and 0 < _size(line) == len(content) - 2:
                return content[:-2]
        found: list[bytes] = []
        position, length = 0, len(data)
        left = self._left
        while position < length:
            if not left:
                end = data.find(_LINE_END, position, position + _LONGEST_LINE)
                if end < 0:
                    self.stopped = length - position >= _LONGEST_LINE
                    break
                size = _size(data[position:end])
                if not size:
                    self.stopped = True
                    break
                position = end + 2
                left = size + 2
            end = position + left
            if end > length:
                # Of the line's end nothing is handed out.
                end = min(length, end - 2)
                found.append(data[position:end])
                left -= end - position
                position = end
                break
            if data[end - 2 : end] != _LINE_END:
                found.append(data[position : end - 2])
                # A parser that has not seen this chunk must not take what follows for another one.
                self._stop(_LINE_END + data[end - 2 :])
                return b"".join(found)
            found.append(data[position : end - 2])
            position, left = end, 0
        self._left = left
        self.rest = data[position:]
        return found[0] if len(found) == 1 else b"".join(found)

    def _stop(self, rest: bytes) -> None:
        self.stopped = True
        self.rest = rest


@lru_cache(maxsize=1024)
def _size(line: bytes) -> int:
    """What a line says of its chunk's size; 0 for the last one, and for a line that says more or something else."""
    return int(line, 16) if _SIZE.fullmatch(line) else 0
