"""A program at a terminal of its own, and somebody who reads the screen and types."""

import contextlib
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Self

if sys.platform != "win32":
    import pty

_STYLE = re.compile(r"\x1b\[[0-9;]*m")

_BOOT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Ctrl-C is a signal only from the terminal that controls the session, so the program first makes it that."""


class PseudoTerminal:
    """Runs a command, whose stdout can go elsewhere; it is killed if the block ends before it does.

    Waiting ends with the test's own timeout.
    """

    def __init__(
        self, command: Sequence[str], *, folder: Path, env: Mapping[str, str], stdout: IO[bytes] | None = None
    ) -> None:
        self._master, slave = pty.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, *command],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            cwd=folder,
            env={**env, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(slave)
        self._raw = b""
        self._read = 0

    @property
    def screen(self) -> str:
        """Everything that was on the screen, without colours."""
        return _STYLE.sub("", self._raw.decode("utf-8", "replace")).replace("\r\n", "\n")

    def expect(self, text: str) -> None:
        """Read until `text` comes after what was expected before. Raises `AssertionError` when the program ends first."""
        while (found := self.screen.find(text, self._read)) < 0:
            assert self._more(), f"{text!r} never came: {self.screen!r}"
        self._read = found + len(text)

    def type(self, text: str) -> None:
        """Type; U+0003 is Ctrl-C and U+0004 Ctrl-D."""
        os.write(self._master, text.encode())

    def wait(self) -> int:
        """Read to the end; the exit status."""
        while self._more():
            pass
        return self._process.wait()

    def _more(self) -> bool:
        try:
            piece = os.read(self._master, 4096)
        except OSError:  # Linux says so when the last program has left the terminal
            piece = b""
        self._raw += piece
        return bool(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        os.close(self._master)
