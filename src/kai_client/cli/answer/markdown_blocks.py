"""Markdown that arrives in pieces, cut into blocks that are complete: what was printed never has to be printed again."""

import itertools
from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from markdown_it import MarkdownIt
    from markdown_it.token import Token

__all__ = ["MarkdownBlocks", "parser"]

_STEP: Final = 20
_GROWTH: Final = 0.1
"""By how much a block grows, in characters or in proportion, before it is looked at again: so looking costs linear time."""


@cache
def parser() -> "MarkdownIt":
    """The dialect that is drawn. HTML is text in it: rich would leave it out, and `List<int>` would lose its half."""
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only where somebody sees Markdown

    return MarkdownIt("commonmark", {"html": False}).enable(["strikethrough", "table"])


class MarkdownBlocks:
    """Feed it text; it returns the top-level blocks (paragraphs, lists, tables, code) that nothing can change any more.

    A block is complete as soon as another one has begun. Only whole lines are looked at, with `parse`, by default the parser
    of what is drawn.
    """

    def __init__(self, parse: "Callable[[str], Sequence[Token]] | None" = None) -> None:
        self._parse = parse or parser().parse
        self._rest = ""
        self._look_at = 0

    def feed(self, piece: str) -> list[str]:
        """The blocks that are complete now."""
        self._rest += piece
        if "\n" not in piece or len(self._rest) < self._look_at:
            return []
        return self._cut(self._rest.rfind("\n") + 1)

    def flush(self) -> list[str]:
        """The rest; the text is over."""
        blocks = self._cut(len(self._rest))
        rest, self._rest, self._look_at = self._rest, "", 0
        return [*blocks, rest] if rest.strip() else blocks

    def _cut(self, whole: int) -> list[str]:
        text = self._rest[:whole]
        begins = [token.map[0] for token in self._parse(text) if token.level == 0 and token.map and token.nesting >= 0]
        if len(begins) < 2:  # noqa: PLR2004 - the last block is never complete
            self._look_at = len(self._rest) + max(_STEP, int(len(self._rest) * _GROWTH))
            return []
        lines = [f"{line}\n" for line in text.split("\n")]
        begins[0] = 0  # what draws nothing, such as a definition, stays with what follows
        self._rest = "".join(lines[begins[-1] :]).removesuffix("\n") + self._rest[whole:]
        self._look_at = 0
        return ["".join(lines[begin:end]) for begin, end in itertools.pairwise(begins)]
