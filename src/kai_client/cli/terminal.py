"""What may be shown: a server's text never gets to give orders to the terminal, and never repeats the token."""

import json
import re
from typing import Any, Final

from kai_client._text import visible

__all__ = ["REORDERS", "ShownText", "json_line", "json_text", "one_line", "short"]

REORDERS: Final = re.compile("[\u202a-\u202e\u2066-\u2069\u2028\u2029\U000e0000-\U000e007f]")
"""Characters that make a line read in another order than it has, or that nobody sees."""

_CSI: Final = r"(?:\x1b\[|\x9b)[0-?]*[ -/]*"
_STRING: Final = r"(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*"
_ORDERS: Final = re.compile(
    rf"{_CSI}[@-~]"  # colours, the cursor, erasing
    rf"|{_STRING}(?:\x07|\x1b\\|\x9c)"  # titles, the clipboard, links
    r"|\x1b[ -/]+[0-~]|\x1b[0-OQ-WYZ\\`-~]"  # the short ones
    rf"|(?P<unfinished>(?:{_CSI}|{_STRING}\x1b?|\x1b[ -/]*)\Z)"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_HELD: Final = 4096
"""How long an escape sequence may get before it is taken for text: an answer is not held back for ever."""
_SHORT: Final = 100


class ShownText:
    """Text that arrives in pieces, fit to be shown: no escape sequence, no control character, no secret.

    A piece that ends within a sequence or within the secret is held back until the next one tells which it is, so that the
    result does not depend on where the pieces were cut.
    """

    def __init__(self, secret: str | None) -> None:
        self._secret = secret or ""
        self._unfinished = ""
        self._begun = ""

    def feed(self, piece: str) -> str:
        """What to show now."""
        text, self._unfinished = self._unfinished + piece, ""
        text = self._begun + _ORDERS.sub(self._remove, text)
        if self._secret:
            text = text.replace(self._secret, "***")
        self._begun = self._beginning_of_secret(text)
        return text.removesuffix(self._begun)

    def flush(self) -> str:
        """What was held back; the text is over."""
        text, self._begun, self._unfinished = self._begun, "", ""
        return text

    def _remove(self, order: re.Match[str]) -> str:
        unfinished = order["unfinished"]
        if unfinished is None:
            return ""
        if len(unfinished) > _HELD:
            return "".join(char for char in unfinished if char.isprintable())
        self._unfinished = unfinished
        return ""

    def _beginning_of_secret(self, text: str) -> str:
        """The end of `text`, as far as the secret may be beginning there."""
        longest = min(len(text), len(self._secret) - 1)
        lengths = range(longest, 0, -1)
        return next((text[-length:] for length in lengths if self._secret.startswith(text[-length:])), "")


def one_line(text: str, secret: str | None = None) -> str:
    """`text` as one line in which nothing is invisible: white space is one space, what cannot be printed is escaped."""
    return visible(" ".join(_shown(text, secret).split()))


def short(text: str, length: int = _SHORT) -> str:
    """`text` cut to a length, by default one that leaves room for others on its line."""
    return text if len(text) <= length else f"{text[: length - 3]}..."


def json_line(value: Any, secret: str | None) -> str:
    """A JSON value on one line. Nothing of it is removed, only made visible: somebody decides about it."""
    return visible(_redacted(json.dumps(value, ensure_ascii=False, default=str), secret))


def json_text(value: Any, secret: str | None) -> str:
    """`json_line` where that is short, else the value over several lines."""
    line = json_line(value, secret)
    if len(line) <= _SHORT:
        return line
    text = _redacted(json.dumps(value, ensure_ascii=False, default=str, indent=2), secret)
    return "\n".join(map(visible, text.split("\n")))


def _redacted(text: str, secret: str | None) -> str:
    return text.replace(secret, "***") if secret else text


def _shown(text: str, secret: str | None) -> str:
    shown = ShownText(secret)
    return shown.feed(text) + shown.flush()
