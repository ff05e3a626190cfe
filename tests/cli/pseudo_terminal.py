"""A program at a terminal of its own, and somebody who reads the screen and types."""

import contextlib
import errno
import fcntl
import os
import struct
import subprocess
import sys
import termios
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any, Self

import pyte

if sys.platform != "win32":
    import pty

_BOOT = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Ctrl-C is a signal only from the terminal that controls the session, so the program first makes it that."""
_PATIENCE = 15
"""Seconds until what is waited for counts as missing: only a test that fails takes them."""
_HISTORY = 100_000
_SIZE_OF_ITS_OWN = {"COLUMNS", "LINES", "COLORTERM"}


class PseudoTerminal:
    """Runs a command, whose stdout can go elsewhere; it is killed if the block ends before it does.

    What it writes is drawn as xterm would, by a thread, so that questions about the cursor are answered at once.
    """

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        env: Mapping[str, str],
        stdout: IO[bytes] | int | None = None,
        columns: int = 80,
        rows: int = 40,
        term: str = "xterm-256color",
        snapshots: bool = False,
    ) -> None:
        self._keeps = snapshots
        self._master, slave = pty.openpty()
        self._screen: Any = pyte.HistoryScreen(columns, rows, history=_HISTORY, ratio=0.001)
        setattr(self._screen, "write_process_input", self.type)  # noqa: B010 - a method, to mypy
        self._drawing: Any = pyte.ByteStream(self._screen)
        self._news = threading.Condition()
        self._raw = b""
        self.snapshots: list[list[str]] = []
        """All lines, after each piece that the program wrote."""
        self._ended = False
        self._read = (0, 0)
        self._resize(rows, columns)
        self.process = subprocess.Popen(
            [sys.executable, "-c", _BOOT, *command],
            stdin=slave,
            stdout=slave if stdout is None else stdout,
            stderr=slave,
            cwd=folder,
            env={name: value for name, value in env.items() if name not in _SIZE_OF_ITS_OWN} | {"TERM": term},
            start_new_session=True,
        )
        os.close(slave)
        self._reader = threading.Thread(target=self._draw, daemon=True)
        self._reader.start()

    @property
    def raw(self) -> str:
        """Everything that was written to the terminal, escape sequences and all."""
        with self._news:
            return self._raw.decode("utf-8", "replace")

    @property
    def lines(self) -> list[str]:
        """What one sees after scrolling up to the beginning: lines, without the spaces at their ends."""
        with self._news:
            return self._lines()

    @property
    def text(self) -> str:
        """`lines`, without the empty ones at the end."""
        return "\n".join(self.lines).rstrip("\n") + "\n"

    @property
    def cells(self) -> list[list[Any]]:
        """The same as pyte's characters, which know their colours."""
        with self._news:
            rows = [*self._screen.history.top, *(self._screen.buffer[row] for row in range(self._screen.lines))]
            return [[row[column] for column in range(self._screen.columns)] for row in rows]

    @property
    def cursor_line(self) -> str:
        """The line that the cursor is in, up to the cursor."""
        with self._news:
            return self._cursor_line()

    def expect(self, text: str) -> None:
        """Wait until `text` is on the screen, below or right of what was expected before.

        Spaces at the ends of lines do not count. Raises `AssertionError` when the program ends first.
        """
        wanted = "\n".join(line.rstrip() for line in text.split("\n")) if "\n" in text else text.rstrip()

        def found() -> bool:
            line, column = self._read
            lines = self._lines()[line:]
            lines[0:1] = [" " * column + lines[0][column:]] if lines else []
            whole = "\n".join(lines)
            at = whole.find(wanted)
            if at < 0:
                return False
            end = at + len(wanted)
            self._read = (line + whole.count("\n", 0, end), end - (whole.rfind("\n", 0, end) + 1))
            return True

        self.until(found, wanted)

    def sees(self, text: str) -> None:
        """Wait until `text` is anywhere on the screen; what is expected after it may replace it."""
        self.until(lambda: any(text in line for line in self._lines()), text)

    def ready(self) -> None:
        """Wait for a prompt with nothing typed, below what was expected before."""

        def prompted() -> bool:
            row: int = len(self._screen.history.top) + self._screen.cursor.y
            if row > self._read[0] and self._cursor_line() == "> " and self._lines()[row] == ">":
                self._read = (row, 0)
                return True
            return False

        self.until(prompted, "a prompt")

    def until(self, condition: Callable[[], bool], name: str) -> None:
        """Wait for a condition, which is looked at whenever something was drawn, until it holds once.

        Raises `AssertionError` without it.
        """
        holds = False

        def is_decided() -> bool:
            nonlocal holds
            holds = condition()
            return holds or self._ended

        with self._news:
            assert self._news.wait_for(is_decided, _PATIENCE), f"{name!r} never came:\n{self._shown()}"
            assert holds, f"{name!r} never came, the program ended:\n{self._shown()}"

    def type(self, text: str) -> None:
        """Type; U+0003 is Ctrl-C and U+0004 Ctrl-D, surrogates are bytes that are no UTF-8."""
        with contextlib.suppress(OSError):  # a program that has ended reads nothing
            os.write(self._master, text.encode(errors="surrogateescape"))

    def paste(self, text: str) -> None:
        """What a terminal sends for a pasted text when the program has asked for such brackets."""
        self.type(f"\x1b[200~{text}\x1b[201~")

    def resize(self, columns: int, rows: int = 40) -> None:
        """Somebody drags the window's corner; the program gets SIGWINCH."""
        with self._news:
            self._screen.resize(rows, columns)
            self._resize(rows, columns)

    def wait(self) -> int:
        """Read to the end; the exit status."""
        self._reader.join(_PATIENCE)
        assert not self._reader.is_alive(), f"The program does not end:\n{self.text}"
        return self.process.wait()

    def _resize(self, rows: int, columns: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _lines(self) -> list[str]:
        history = [
            "".join(row[column].data for column in range(len(row))) for row in map(_cells, self._screen.history.top)
        ]
        return [line.rstrip() for line in [*history, *self._screen.display]]

    def _cursor_line(self) -> str:
        row = self._screen.buffer[self._screen.cursor.y]
        return "".join(row[column].data for column in range(self._screen.cursor.x))

    def _shown(self) -> str:
        return "\n".join(self._lines()).rstrip()

    def _draw(self) -> None:
        while piece := self._more():
            with self._news:
                self._raw += piece
                self._drawing.feed(piece)
                if self._keeps:
                    self.snapshots.append(self._lines())
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _more(self) -> bytes:
        try:
            return os.read(self._master, 65536)
        except OSError as error:
            if error.errno not in {
                errno.EIO,
                errno.EBADF,
            }:  # Linux says EIO when the last program has left the terminal
                raise
            return b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        self.process.wait()
        self._reader.join()
        os.close(self._master)


def _cells(row: Any) -> list[Any]:
    """The characters of a line of pyte, which keeps only those that were drawn."""
    return [row[column] for column in range(max(row, default=-1) + 1)]
