"""Where the words go: the answer to stdout, everything else to stderr, and how the two share one screen."""

import sys
from typing import Any

import click

from .prompt import is_terminal
from .terminal import ShownText, one_line

__all__ = ["Output"]


class Output:
    """stdout is the answer alone. stderr has lines, one of which can stay open until its end is known.

    Where both are the same screen, neither starts in the middle of the other's line; the newlines which that takes go to
    stderr. Everything is cleaned of control characters and of the token.
    """

    def __init__(self, secret: str | None = None) -> None:
        self.secret = secret
        self._one_screen = is_terminal(sys.stdout) and is_terminal(sys.stderr)
        self._answer = ShownText(secret)
        self._answer_in_line = False
        self._cursor_in_line = False
        self._open: str | None = None

    @property
    def at_line_start(self) -> bool:
        """Whether the next piece of the answer begins a line, as its reader sees it."""
        return not (self._cursor_in_line if self._one_screen else self._answer_in_line)

    def answer(self, piece: str) -> None:
        """A piece of the answer, at once."""
        self._put(self._answer.feed(piece))

    def end_answer(self) -> None:
        """The answer is over: what was held back, and its last newline. An empty answer stays empty."""
        self._put(self._answer.flush())
        if self._answer_in_line:
            self._put("\n")
        if self._open is not None:
            self._to_line_start()

    def data(self, line: str) -> None:
        """A line of JSON in the place of the answer."""
        click.echo(line.replace(self.secret, "***") if self.secret else line)

    def note(self, line: str, **style: Any) -> None:
        """A line on stderr."""
        self._to_line_start()
        click.secho(one_line(line, self.secret), err=True, **style)

    def block(self, text: str) -> None:
        """Lines on stderr that are fit to be shown already."""
        self._to_line_start()
        click.echo(text, err=True)

    def begin(self, key: str, line: str) -> None:
        """A line on stderr that stays open for its end."""
        self._to_line_start()
        click.secho(f"{one_line(line, self.secret)} ... ", err=True, nl=False, dim=True)
        self._open = key

    def finish(self, key: str, line: str, end: str) -> None:
        """The end of the line `key`; the whole `line` again where others have come in between."""
        if self._open != key:
            self.note(f"{line} {end}", dim=True)
            return
        click.secho(one_line(end, self.secret), err=True, dim=True)
        self._open = None

    def _put(self, text: str) -> None:
        if not text:
            return
        if self._one_screen and self._open is not None:
            self._to_line_start()
        click.echo(text, nl=False)
        self._answer_in_line = self._cursor_in_line = not text.endswith("\n")

    def _to_line_start(self) -> None:
        if self._open is not None or (self._one_screen and self._cursor_in_line):
            click.echo(err=True)
        self._open = None
        self._cursor_in_line = False
