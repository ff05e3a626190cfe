"""Secrets out of text, however they are written in it: as they are, escaped, percent-encoded, in base64, in hex."""

import base64
import html
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Final

__all__ = ["REDACTED", "SECRET_HEADERS", "SHORTEST_SECRET", "secrets_in", "without"]

SECRET_HEADERS: Final = frozenset(
    {"x-storageapi-token", "authorization", "cookie", "proxy-authorization", "set-cookie"}
)
REDACTED: Final = "***"
SHORTEST_SECRET: Final = 4
"""What is shorter is a test's token, and part of many words."""
_MOST_LEVELS: Final = 8

_ESCAPE: Final = re.compile(
    r"%(?:25)*(?P<percent>[0-9a-f]{2})"
    r"|\\+(?:u00|x|u\{0*)(?P<script>[0-9a-f]{2})\}?"
    r"|&(?:amp;)*(?P<entity>#\d{1,7};|#x[0-9a-f]{1,6};|amp;|lt;|gt;|quot;|apos;)"
    r"|\\+(?P<plain>[^\\])"
    r"|\\+",
    re.IGNORECASE | re.DOTALL,
)
"""One character as JSON, JavaScript, URLs and HTML write it, also when it was escaped more than once."""


def secrets_in(headers: Iterable[tuple[str, str]]) -> set[str]:
    """The secrets among header values by name; of `Bearer abc` the last word, too, since texts quote it alone."""
    values = {value.strip() for name, value in headers if name.lower() in SECRET_HEADERS}
    return values | {value.rpartition(" ")[2] for value in values}


def without(secrets: Iterable[str], text: str) -> str:
    """`text` with every secret replaced by `***`. Secrets of less than four characters stay."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = _without_encoded(secret, text).replace(secret, REDACTED)
    return text


def _without_encoded(secret: str, text: str) -> str:
    levels = _levels(text)
    read = levels[-1].text
    encoded = secret.encode()
    ways = {_levels(secret)[-1].text, encoded.hex(), encoded.hex().upper(), *_base64(encoded)}
    found = re.compile("|".join(re.escape(way) for way in sorted(ways, key=len, reverse=True) if way))
    kept: list[str] = []
    end = 0
    for match in found.finditer(read):
        kept += [text[end : _place(levels, match.start())], REDACTED]
        end = _place(levels, match.end())
    return "".join([*kept, text[end:]])


def _levels(text: str) -> "list[_Read]":
    """The text read once, and again, until nothing in it is an escape: those of the secret itself are undone like all."""
    levels = [_Read(text)]
    while levels[-1].text != text and len(levels) < _MOST_LEVELS:
        text = levels[-1].text
        levels.append(_Read(text))
    return levels


def _place(levels: "list[_Read]", index: int) -> int:
    for level in reversed(levels):
        index = level.place(index)
    return index


def _base64(secret: bytes) -> Iterator[str]:
    """What is always there of the secret's base64, for each of its three places among other bytes, in both alphabets."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret + bytes(3)).decode()
        core = text[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


class _Read:
    """A text as somebody reads it who undoes every escape, and where in the text itself each character stands."""

    def __init__(self, text: str) -> None:
        pieces: list[str] = []
        self._starts: list[int] = []
        """In what is read, the places of what was escaped; with them, start and end in the text, and what it is long when read."""
        self._places: list[tuple[int, int, int]] = []
        end = length = 0
        for match in _ESCAPE.finditer(text):
            char = _unescaped(match)
            pieces += [text[end : match.start()], char]
            length += match.start() - end
            self._starts.append(length)
            self._places.append((match.start(), match.end(), len(char)))
            length += len(char)
            end = match.end()
        self.text: str = "".join([*pieces, text[end:]])

    def place(self, index: int) -> int:
        """Where in the text the character at `index` of what is read begins."""
        last = bisect_right(self._starts, index) - 1
        if last < 0:
            return index
        start, end, length = self._places[last]
        gone = index - self._starts[last]
        return start if gone == 0 else end + gone - length


def _unescaped(match: re.Match[str]) -> str:
    """One character; none for a backslash, however it is written: one escapes, or is escaped, or both."""
    if code := match["percent"] or match["script"]:
        char = chr(int(code, 16))
    elif match["entity"]:
        char = html.unescape(f"&{match['entity']}")[:1]
    else:
        char = match["plain"] or ""
    return char if char != "\\" else ""
