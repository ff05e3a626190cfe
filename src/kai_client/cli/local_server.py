"""The local server, for `--local` and `kai serve`: made, or in one line why it cannot be."""

import logging
import sqlite3
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from .exit_codes import ExitCode, Failure
from .setup.script_file import scripted_kai

if TYPE_CHECKING:
    from kai_client.server import KaiApp

__all__ = ["local_server"]


def local_server(
    db: Path | None,
    *,
    script: Path | None = None,
    pace: float | None = None,
    mode: Literal["agent", "assistant"] = "agent",
    tokens: Collection[str] | None = None,
    debug: bool = False,
) -> "KaiApp":
    """The application. `tokens` are the only ones that it takes, None: any; with `debug` the server's own log is shown.

    Raises `Failure` for what is wrong with the script or the file, and where the extra is missing.
    """
    try:
        from kai_client.server import kai_app  # noqa: PLC0415 - an extra, and slow to import
    except ModuleNotFoundError as error:
        raise Failure('The local server is an extra: pip install "kai-client[all]"') from error
    if not debug:
        # Faults of the server's own reach the client as answers; without a handler logging would print them, too.
        logging.getLogger("uvicorn").addHandler(logging.NullHandler())
    try:
        kai = scripted_kai(script, db=db, pace=pace)
    except sqlite3.Error as error:
        raise Failure(f"Cannot keep chats in {db}: {error}", ExitCode.USAGE) from error
    return kai_app(kai, mode=mode, tokens=tokens)
