"""What the local server answers: its sample project's assistant, or with `kai serve --script FILE` what a Python file says."""

import re
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from kai_client._wire import is_array
from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.terminal import one_line

if TYPE_CHECKING:
    from kai_client.server import ScriptedKai

__all__ = ["scripted_kai"]

_PACE: Final = 0.02
"""Seconds between chunks: slow enough to see that it streams."""
_MODULE: Final = "kai_script"
"""Its `__name__`: a block under `__main__` in it is not run."""


def scripted_kai(path: Path | None, *, db: Path | None, pace: float | None) -> "ScriptedKai":
    """The `kai` that the file defines, or one that plays its `script`; without a file the sample project's assistant.

    Raises `Failure` for whatever is wrong with the file, with the line where it is.
    """
    from kai_client.server import ScriptedKai  # noqa: PLC0415 - an extra, and slow to import

    options: dict[str, Any] = {"db": db or ":memory:", "pace": _PACE if pace is None else pace}
    if path is None:
        return ScriptedKai(**options)
    names = _run(path)
    kai, script = names.get("kai"), names.get("script")
    if isinstance(kai, ScriptedKai):
        if db is not None or pace is not None:
            raise Failure(f"{path} defines kai, so --db and --pace have to stand in it", ExitCode.USAGE)
        return kai
    if kai is not None:
        raise Failure(f"{path}: kai is no ScriptedKai but of type {type(kai).__name__}", ExitCode.USAGE)
    if not is_array(script):
        raise Failure(f"{path} defines neither kai (a ScriptedKai) nor script (a list of turns)", ExitCode.USAGE)
    for number, turn in enumerate(script, 1):
        if not _is_turn(turn):
            raise Failure(
                f"{path}: turn {number} of the script is none, but of type {type(turn).__name__}", ExitCode.USAGE
            )
    try:
        return ScriptedKai(script, **options)
    except re.error as error:
        raise Failure(f"{path}: a pattern of the script is no regular expression: {error}", ExitCode.USAGE) from error
    except (TypeError, ValueError) as error:
        raise Failure(f"{path}: the script cannot be played: {_said(error)}", ExitCode.USAGE) from error


def _is_turn(turn: object) -> bool:
    """Text, an item, several of them, a `when(...)`, or a function."""
    from kai_client.server import Item, When  # noqa: PLC0415 - as above

    items: list[object] = turn if is_array(turn) else [turn]
    return isinstance(turn, When) or callable(turn) or all(isinstance(item, str | Item) for item in items)


def _run(path: Path) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": _MODULE, "__file__": str(path)}
    sys.path.insert(0, str(path.resolve().parent))  # as for `python FILE`: modules beside it can be imported
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), names)  # noqa: S102 - the user's own program, as asked
    except (Exception, SystemExit) as error:
        raise Failure(f"{_place(error, path)}: {_said(error)}", ExitCode.USAGE) from error
    return names


def _place(error: BaseException, path: Path) -> str:
    """The file, and the line of it where it went wrong."""
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{path}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{path}:{lines[-1]}" if lines else str(path)


def _said(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else one_line(str(error))
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
