"""Option values that may also come from a file or from stdin."""

import sys
from pathlib import Path
from typing import IO

import click

__all__ = ["given_text"]


def given_text(value: str) -> str:
    """`value` itself, what is in the file of `@FILE`, or for `-` stdin; without the newlines at their end.

    A text that begins with @ is given as `@@...`. Raises `BadParameter` for what cannot be read, and for a file or stdin with
    nothing in it: that is a mistake more often than a wish.
    """
    if value.startswith("@@"):
        return value[1:]
    try:
        if value == "-":
            stdin: IO[str] | None = sys.stdin
            return _said("" if stdin is None else stdin.read(), "stdin")
        return _said(Path(value[1:]).read_text(encoding="utf-8"), value[1:]) if value.startswith("@") else value
    except OSError as error:
        raise click.BadParameter(f"cannot read {value[1:] or 'stdin'}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise click.BadParameter("it is not UTF-8 text") from error


def _said(text: str, place: str) -> str:
    if not text.strip():
        raise click.BadParameter(f"there is nothing in {place}")
    return text.rstrip("\n")
