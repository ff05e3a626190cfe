"""A file that is there whole or not at all."""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

__all__ = ["written_beside"]

_ANYBODY = 0o666
"""Less what the umask takes away."""


@contextmanager
def written_beside(path: Path, text: str, *, mode: int = _ANYBODY) -> Generator[Path]:
    """A file next to `path` that holds `text` and is on the disk, for the block to rename; else it is gone. Raises `OSError`."""
    beside = path.with_name(f".{path.name[:64]}.{secrets.token_hex(4)}")
    try:
        with open(beside, "x", encoding="utf-8", newline="\n", opener=partial(os.open, mode=mode)) as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        yield beside
    finally:
        with suppress(OSError):
            beside.unlink()
