"""Asking the human at the terminal: questions on stderr, answers from stdin."""

import io
import os
import signal
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import IO, Final, cast

import click

__all__ = ["can_ask", "can_redraw", "forget_typed_ahead", "is_terminal", "read_line"]

_DUMB: Final = ("", "dumb", "unknown")


def is_terminal(stream: IO[str] | None) -> bool:
    """Whether `stream` is a terminal; one that was closed, which Python shows as None, is not."""
    return stream is not None and stream.isatty()


def can_ask() -> bool:
    """Whether somebody is there who sees a question and can answer it."""
    return is_terminal(sys.stdin) and is_terminal(sys.stderr)


def can_redraw() -> bool:
    """Whether a terminal of this kind (TERM) can write over what it shows."""
    return os.environ.get("TERM", "") not in _DUMB or sys.platform == "win32"


def forget_typed_ahead() -> None:
    """What was typed before a question was there is no answer to it."""
    try:
        import termios  # noqa: PLC0415 - not on Windows
    except ModuleNotFoundError:
        return
    with suppress(termios.error):
        termios.tcflush(sys.stdin, termios.TCIFLUSH)


def read_line(prompt: str) -> str | None:
    """What was typed, without its newline; None at the end of the input. Ctrl-C is a `KeyboardInterrupt`.

    Not `click.prompt`: that writes a part of the prompt to stdout, which is the answer's.
    """
    line = ""
    stdin: object = sys.stdin
    if isinstance(stdin, io.TextIOWrapper) and stdin.errors != "replace":
        with suppress(io.UnsupportedOperation):  # somebody has read from it already
            cast("io.TextIOWrapper", stdin).reconfigure(errors="replace")  # a slip at the keyboard is no reason to stop
    try:
        with _interruptible():
            click.echo(prompt, nl=False, err=True)
            line = sys.stdin.readline()
    finally:
        if not line.endswith("\n"):
            click.echo(err=True)  # nobody typed the newline
    return line.removesuffix("\n") if line else None


@contextmanager
def _interruptible() -> Generator[None]:
    """Ctrl-C ends the reading: within `asyncio.run` it would only be noted until the loop runs again."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
