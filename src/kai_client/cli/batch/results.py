"""The output file: written so that a crash costs nothing that was answered, and found again by the next run."""

import contextlib
import os
import shutil
import sys
import time
from collections.abc import Collection, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import FileIO
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from kai_client.cli.exit_codes import ExitCode, Failure

from .records import START, Done, done_of

__all__ = ["AnswerFile", "Earlier", "earlier_answers"]

_SYNC_SECONDS: Final = 1.0
"""How much of a run a power cut may cost; a crash of the program alone costs no answer."""


@dataclass(slots=True)
class Earlier:
    """What an output file holds from earlier runs."""

    done: dict[str, Done] = field(default_factory=dict[str, Done])
    size: int = 0
    """How many of its bytes are whole lines."""
    length: int | None = None
    """How many bytes it has; None where that does not matter, since it is to be emptied or is not there."""
    ends: bool = True
    """Whether the last of those lines has its newline."""


def earlier_answers(path: Path) -> Earlier:
    """What the file holds. The beginning of a line at its very end, where a run was torn away, does not count.

    Raises `Failure` for a file that something else has written: it is not touched.
    """
    earlier = Earlier()
    if not path.is_file():
        return earlier
    earlier.length = 0
    with _problems(path), path.open("rb") as file:
        for number, line in enumerate(file, 1):
            earlier.length += len(line)
            try:
                key, done = done_of(line)
            except ValueError as error:
                if not line.endswith(b"\n") and START.startswith(line[: len(START)]):
                    break
                raise _unusable(path, number, str(error)) from error
            if key in earlier.done:
                raise _unusable(path, number, "its id is that of an earlier line, too")
            earlier.done[key] = done
            earlier.size += len(line)
            earlier.ends = line.endswith(b"\n")
    return earlier


class AnswerFile:
    """Appends lines to those of `earlier`, after taking out those of the ids in `again`, and the torn one.

    Every line is with the system when `write` returns, and on the disk soon after. While it is open no other run can write
    to the same file. Raises `Failure` for whatever the system says.
    """

    def __init__(self, path: Path, earlier: Earlier, again: Collection[str] = ()) -> None:
        self._path = path
        self._synced = time.monotonic()
        with _problems(path):
            self._file = _opened(path)
            try:
                if path.is_file():
                    self._prepare(earlier, again)
            except BaseException:
                self._file.close()
                raise

    def _prepare(self, earlier: Earlier, again: Collection[str]) -> None:
        if earlier.length is not None and os.fstat(self._file.fileno()).st_size != earlier.length:
            raise _busy(self._path)
        if again:
            _copy_without(self._path.resolve(), earlier.size, again)  # a link stays a link
            before, self._file = self._file, _opened(self._path)
            before.close()
        else:
            self._file.truncate(earlier.size)
            if not earlier.ends:
                self._append(b"\n")

    def write(self, line: str) -> None:
        """Append a line."""
        with _problems(self._path):
            self._append(f"{line}\n".encode())
            if time.monotonic() - self._synced >= _SYNC_SECONDS:
                self._sync()

    def _append(self, data: bytes) -> None:
        while data:
            data = data[self._file.write(data) :]

    def _sync(self) -> None:
        with contextlib.suppress(OSError):  # a pipe has no disk
            os.fsync(self._file.fileno())
        self._synced = time.monotonic()

    def close(self) -> None:
        """Everything is on the disk."""
        self._sync()
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _copy_without(path: Path, size: int, again: Collection[str]) -> None:
    """The file without these ids, all at once: whatever happens, there is the old one or the new one."""
    copy = path.with_name(f".{path.name}.new")
    with path.open("rb") as old, copy.open("wb") as new:
        shutil.copymode(path, copy)
        for line in _lines(old, size):
            if done_of(line)[0] not in again:
                new.write(line if line.endswith(b"\n") else line + b"\n")
        new.flush()
        os.fsync(new.fileno())
    copy.replace(path)


def _lines(file: Iterator[bytes], size: int) -> Iterator[bytes]:
    for line in file:
        if size <= 0:
            return
        size -= len(line)
        yield line


def _opened(path: Path) -> FileIO:
    """The file, to be appended to by nobody else."""
    file = FileIO(path, "a")
    if sys.platform == "win32":
        return file
    import fcntl  # noqa: PLC0415 - not everywhere

    try:
        if path.is_file():
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        raise _busy(path) from None
    except BaseException:
        file.close()
        raise
    return file


@contextmanager
def _problems(path: Path) -> Generator[None]:
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise Failure(f"Cannot use {path}: {error.strerror or error}") from error


def _busy(path: Path) -> Failure:
    return Failure(f"Another run is writing to {path}: wait for its end, or choose another --output")


def _unusable(path: Path, number: int, why: str) -> Failure:
    return Failure(
        f"{path} cannot be gone on with, line {number}: {why}; choose another --output, or --restart to empty it",
        ExitCode.USAGE,
    )
