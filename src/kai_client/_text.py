"""Text as JavaScript cuts it, between UTF-16 units, so that one emoji can arrive in two halves; and text that hides nothing."""

import re
from typing import Final

_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def mend_surrogates(text: str, *, lone: str = "surrogatepass") -> str:
    """`text` with each surrogate pair made one character; `lone` is the codec error handler for halves that stay alone."""
    if _SURROGATE.search(text) is None:
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", lone)


class DeltaMender:
    """Makes each delta printable: half an emoji at the end of one is held back until the next brings the other half.

    A half that never finds its other half becomes U+FFFD, as it would in any encoder.
    """

    def __init__(self) -> None:
        self.held: dict[str, str] = {}
        """Half characters by the text that they belong to."""

    def mend(self, key: str, delta: str) -> str:
        """What to show for `delta`, the next piece of the text called `key`."""
        held = self.held.pop(key, "") if self.held else ""
        if not held and _SURROGATE.search(delta) is None:
            return delta
        delta = held + delta
        if "\ud800" <= delta[-1:] <= "\udbff":
            self.held[key] = delta[-1]
            delta = delta[:-1]
        return mend_surrogates(delta, lone="replace")

    def end(self, key: str) -> str:
        """What is left to show when the text called `key` ends: U+FFFD for half a character, else nothing."""
        return "\ufffd" if self.held and self.held.pop(key, "") else ""


def visible(line: str) -> str:
    """`line` with what cannot be printed, or hides or reorders other characters, written out as an escape."""
    return "".join(char if char.isprintable() else _escape(char) for char in line)


def _escape(char: str) -> str:
    return f"\\u{ord(char):04x}" if char <= "\uffff" else f"\\U{ord(char):08x}"
