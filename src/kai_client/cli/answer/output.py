"""Where the words go: the answer to stdout, everything else to stderr, and how the two share one screen."""

import sys
from typing import Any

import click

from kai_client.cli.prompt import can_redraw, is_terminal
from kai_client.cli.terminal import ShownText, one_line

__all__ = ["Output"]


class Output:
    """stdout is the answer alone. stderr has lines, one of which can stay open until its end is known, and a passing status.

    Where both are the same screen, neither starts in the middle of the other's line; the newlines which that takes go to
    stderr. Everything is cleaned of control characters and of the token.
    """

    def __init__(self, secret: str | None = None) -> None:
        self.secret = secret
        self.stderr_is_terminal: bool = is_terminal(sys.stderr)
        self.has_status: bool = self.stderr_is_terminal and can_redraw()
        """Whether a line on stderr can be written over."""
        self._one_screen = is_terminal(sys.stdout) and self.stderr_is_terminal
        self._answer = ShownText(secret)
        self._thought = ShownText(secret)
        self._answer_in_line = False
        self._cursor_in_line = False
        """Of stderr, and of stdout too where both are one screen."""
        self._thinking = False
        self._open: str | None = None
        self._status = False

    @property
    def at_line_start(self) -> bool:
        """Whether the next piece of the answer begins a line, as its reader sees it."""
        return not (self._cursor_in_line if self._one_screen else self._answer_in_line)

    def answer(self, piece: str) -> None:
        """A piece of the answer, at once."""
        self._put(self._answer.feed(piece))

    def drawn(self, text: str) -> None:
        """A part of the answer that was drawn, with escape sequences of our own, from what is fit to be shown."""
        if self._cursor_in_line:
            self._to_line_start()
        self._put(text)

    def end_answer(self) -> None:
        """The answer is over: what was held back, and its last newline. An empty answer stays empty."""
        self._put(self._answer.flush())
        if self._answer_in_line:
            self._put("\n")
        if self._open is not None or self._thinking:
            self._to_line_start()
        self.clear_status()

    def data(self, line: str) -> None:
        """A line of JSON in the place of the answer."""
        self.clear_status()
        click.echo(line.replace(self.secret, "***") if self.secret else line)

    def note(self, line: str, **style: Any) -> None:
        """A line on stderr."""
        self._to_line_start()
        click.secho(one_line(line, self.secret), err=True, **style)

    def block(self, text: str) -> None:
        """Lines on stderr that are fit to be shown already."""
        self._to_line_start()
        click.echo(text, err=True)

    def thought(self, piece: str) -> None:
        """A piece of what the model thinks aloud, on stderr, in a line of its own."""
        text = self._thought.feed(piece)
        if not text:
            return
        if not self._thinking:
            self._to_line_start()
        self.clear_status()
        click.secho(text, err=True, nl=False, dim=True)
        self._thinking = True
        self._cursor_in_line = not text.endswith("\n")

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

    def status(self, text: str) -> None:
        """A line on stderr that the next words of any kind replace; where one can be written over, and is free."""
        if self.has_status and not (self._cursor_in_line or self._open is not None):
            click.echo(f"\r{text}\x1b[K", err=True, nl=False)
            self._status = True

    def clear_status(self) -> None:
        """The status is gone."""
        if self._status:
            click.echo("\r\x1b[K", err=True, nl=False)
            self._status = False

    def _put(self, text: str) -> None:
        if not text:
            return
        self.clear_status()
        if self._thinking or (self._one_screen and self._open is not None):
            self._to_line_start()
        click.echo(text, nl=False)
        self._answer_in_line = not text.endswith("\n")
        if self._one_screen:
            self._cursor_in_line = self._answer_in_line

    def _to_line_start(self) -> None:
        """Stderr begins a new line."""
        self.clear_status()
        if self._open is not None or self._cursor_in_line:
            click.echo(err=True)
        self._open = None
        self._thinking = False
        self._cursor_in_line = False
