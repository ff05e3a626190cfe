"""A file that somebody asked for, which replaces none that is there."""

import os
from pathlib import Path

from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.whole_file import written_beside

__all__ = ["check_new", "write_file"]


def check_new(path: Path) -> None:
    """Raises a `Failure` for a file that exists; devices and pipes are there to be written to."""
    try:
        is_folder = path.is_dir()
        exists = path.is_file() or (path.is_symlink() and not path.exists())  # a link to nothing is somebody's, too
    except OSError as error:
        raise _unwritable(path, error) from error
    if is_folder:
        raise Failure(f"{path} is a folder: name a file", ExitCode.USAGE)
    if exists:
        raise _existing(path)


def write_file(path: Path, text: str, *, force: bool = False) -> None:
    """Write `text` to `path`, which holds all of it or is as it was. Raises a `Failure` for what cannot be written.

    Unless `force` says so, a file that exists is not replaced, even if it appeared just now.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_text(text, encoding="utf-8")
        else:
            _write_beside(path.resolve() if force else path, text, force=force)
    except FileExistsError as error:
        raise _existing(path) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _unwritable(path, error) from error


def _existing(path: Path) -> Failure:
    return Failure(f"{path} exists: pass --force to replace it", ExitCode.USAGE)


def _unwritable(path: Path, error: OSError) -> Failure:
    return Failure(f"Cannot write {path}: {error.strerror or error}")


def _write_beside(path: Path, text: str, *, force: bool) -> None:
    """Write a file next to `path`, then give it the name."""
    with written_beside(path, text) as beside:
        if force:
            beside.replace(path)
        else:
            _name_new(beside, path)


def _name_new(beside: Path, path: Path) -> None:
    """Give the file a name that nothing has. Where a file cannot have two names, looking first must do."""
    try:
        os.link(beside, path)
    except FileExistsError:
        raise
    except OSError:
        if path.exists():
            raise FileExistsError(path) from None
        beside.replace(path)
