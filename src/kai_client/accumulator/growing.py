"""Text that grows under snapshots: each remembers how much there was, and the text is made when somebody looks."""

from kai_client._text import mend_surrogates
from kai_client.types import Json

from .partial_json import PartialJson


class GrowingText:
    """Pieces of text in order. Appending is constant work; reading joins only what is new since the last look."""

    __slots__ = ("_joined", "_joined_count", "_json", "_json_count", "pieces")

    def __init__(self, text: str = "") -> None:
        self.pieces: list[str] = [text] if text else []
        self._joined = ""
        self._joined_count = 0
        self._json = PartialJson()
        self._json_count = 0

    def text(self, count: int) -> str:
        """The first `count` pieces as one text; surrogate halves that arrived apart are one character."""
        if count < self._joined_count:
            return mend_surrogates("".join(self.pieces[:count]))
        if count > self._joined_count:
            more = "".join(self.pieces[self._joined_count : count])
            if "\ud800" <= self._joined[-1:] <= "\udbff":
                more = self._joined[-1] + more
                self._joined = self._joined[:-1]
            self._joined += mend_surrogates(more)
            self._joined_count = count
        return self._joined

    def json(self, count: int) -> Json | object:
        """The best JSON value of the first `count` pieces, or `MISSING`."""
        if count < self._json_count:
            self._json = PartialJson()  # an older snapshot is looked at: from the start
        self._json_count = count
        return self._json.value(self.text(count))


class SoFar:
    """A value of a part that grows: its text, or as `parsed` the JSON in it; fixed once it is `frozen`."""

    __slots__ = ("_count", "_growing", "_parsed")

    def __init__(self, growing: GrowingText, *, parsed: bool = False, count: int | None = None) -> None:
        self._growing = growing
        self._parsed = parsed
        self._count = count

    def make(self) -> Json | object:
        """The value, or `MISSING`."""
        count = len(self._growing.pieces) if self._count is None else self._count
        return self._growing.json(count) if self._parsed else self._growing.text(count)

    def frozen(self) -> "SoFar":
        """The value as it is now, whatever is added later."""
        return (
            self
            if self._count is not None
            else SoFar(self._growing, parsed=self._parsed, count=len(self._growing.pieces))
        )
