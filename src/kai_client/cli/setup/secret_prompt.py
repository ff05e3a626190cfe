"""A token from the human or from a pipe, and never from the command line: other users can read that."""

import getpass
import sys
import warnings
from typing import IO

import click

from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.prompt import can_ask, is_terminal, read_line

__all__ = ["ask_line", "ask_token"]


def ask_token(*, from_stdin: bool) -> str:
    """The token. Raises `Failure` where nobody can be asked, and where what is typed would be seen."""
    if from_stdin and not is_terminal(sys.stdin):
        return _piped()
    if not can_ask():
        raise Failure("Nobody can be asked for the token here: pipe it in with --token-stdin", ExitCode.USAGE)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", getpass.GetPassWarning)
            return getpass.getpass("Storage API token (not shown): ", stream=sys.stderr)
    except getpass.GetPassWarning:
        raise Failure(
            "What is typed here would be seen: pipe the token in with --token-stdin", ExitCode.USAGE
        ) from None
    except EOFError:
        click.echo(err=True)  # nobody typed the newline
        raise Failure("No token was typed", ExitCode.USAGE) from None
    except KeyboardInterrupt:
        click.echo(err=True)
        raise


def ask_line(question: str, default: str) -> str:
    """An answer that may be seen; `default` for an empty one. Raises `Failure` where nobody answers."""
    if not can_ask():
        raise Failure(f"{question}? Nobody can be asked here: pass it as an option", ExitCode.USAGE)
    line = read_line(f"{question} [{default}]: ")
    if line is None:
        raise Failure("Nothing was typed", ExitCode.USAGE)
    return line.strip() or default


def _piped() -> str:
    try:
        stdin: IO[str] | None = sys.stdin  # None where it was closed
        return "" if stdin is None else stdin.read().strip()
    except UnicodeDecodeError as error:
        raise Failure("No token on stdin: it is not text", ExitCode.AUTHENTICATION) from error
