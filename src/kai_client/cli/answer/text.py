"""The answer's text on stdout: as it comes, or drawn as Markdown, block by block."""

import re
from typing import TYPE_CHECKING, Final, Protocol

from kai_client.cli.screen import console, print_markdown
from kai_client.cli.terminal import REORDERS, ShownText

from .markdown_blocks import MarkdownBlocks
from .output import Output

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["AnswerText", "DrawnText", "RawText"]

_EMPTY_LINES: Final = re.compile(r"\A(?:(?:\x1b\[[0-9;]*m| )*\n)+|(?:\n(?:\x1b\[[0-9;]*m| )*)+\Z")
"""Around a block: rich puts some of its own around tables, made of spaces with a style."""


class AnswerText(Protocol):
    """Takes the text parts of one answer."""

    @property
    def waits(self) -> bool:
        """Whether there is text that its reader does not see yet."""
        ...

    def write(self, piece: str) -> None:
        """A piece of a text part."""
        ...

    def new_part(self) -> None:
        """What follows is another part: parts are paragraphs, their texts must not run into each other."""
        ...

    def end(self) -> None:
        """The answer is over, whole or not."""
        ...


class RawText:
    """The text as the model writes it, at once."""

    waits = False

    def __init__(self, output: Output) -> None:
        self._output = output
        self._any_text = False
        self._new_part = False

    def write(self, piece: str) -> None:
        """See `AnswerText`."""
        if self._new_part and self._any_text:
            self._output.answer("\n" if self._output.at_line_start else "\n\n")
        self._new_part = False
        self._any_text = True
        self._output.answer(piece)

    def new_part(self) -> None:
        """See `AnswerText`."""
        self._new_part = True

    def end(self) -> None:
        """See `AnswerText`."""
        self._output.end_answer()


class DrawnText:
    """The text as Markdown: each block is drawn once it is complete, and nothing that was drawn is drawn again."""

    def __init__(self, output: Output, on: "Console | None" = None) -> None:
        self._output = output
        self._shown = ShownText(output.secret)
        self._blocks = MarkdownBlocks()
        self._console = on or console()
        self._any = False
        self.waits: bool = False

    def write(self, piece: str) -> None:
        """See `AnswerText`."""
        self.waits = True
        self._draw(self._blocks.feed(self._shown.feed(piece)))

    def new_part(self) -> None:
        """See `AnswerText`."""
        self._draw([*self._blocks.feed(self._shown.flush()), *self._blocks.flush()])
        self.waits = False

    def end(self) -> None:
        """See `AnswerText`."""
        self.new_part()
        self._output.end_answer()

    def _draw(self, blocks: list[str]) -> None:
        for block in blocks:
            with self._console.capture() as drawing:
                print_markdown(block, self._console)
            if lines := _EMPTY_LINES.sub("", REORDERS.sub("", drawing.get())):
                self._output.drawn(f"\n{lines}\n" if self._any else f"{lines}\n")
                self._any = True
