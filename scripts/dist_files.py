"""What is in a wheel and in an sdist, and what must be: the files of the repository that belong there, and nothing else."""

import hashlib
import tarfile
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

PACKAGE = "kai_client"

NEEDED = (
    f"{PACKAGE}/__init__.py",
    f"{PACKAGE}/py.typed",
    f"{PACKAGE}/nats/_chat_pb2.py",
    f"{PACKAGE}/nats/_chat_pb2.pyi",
    f"{PACKAGE}/nats/chat.proto",
    f"{PACKAGE}/sync/client/__init__.py",
)
"""Files whose lack no import of the core would show: type checkers, NATS and the blocking client need them."""

DIST_INFO = frozenset({"METADATA", "RECORD", "WHEEL", "entry_points.txt", "licenses/LICENSE"})

SDIST_FOLDERS = frozenset({"docs", "examples", "scripts", "src", "tests"})
SDIST_FILES = frozenset(
    {
        ".gitignore",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "LICENSE",
        "README.md",
        "SECURITY.md",
        "conftest.py",
        "pyproject.toml",
    }
)
SDIST_MADE = frozenset({"PKG-INFO"})

Contents = Mapping[str, bytes]
"""File names, without the top folder of an sdist, and what is in them."""


def read_wheel(path: Path) -> dict[str, bytes]:
    """Every file of a wheel."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}


def read_sdist(path: Path) -> dict[str, bytes]:
    """Every file of an sdist, under its name below the archive's one folder."""
    with tarfile.open(path) as archive:
        files = ((member.name, archive.extractfile(member)) for member in archive.getmembers() if not member.isdir())
        return {name.partition("/")[2]: file.read() if file is not None else b"" for name, file in files}


def wheel_faults(wheel: Contents, tracked: Iterable[str]) -> Iterator[str]:
    """What is wrong with a wheel's files, one sentence each; `tracked` are git's, relative to the repository."""
    expected = {name.removeprefix("src/") for name in tracked if name.startswith(f"src/{PACKAGE}/")}
    code = {name for name in wheel if PurePosixPath(name).parts[0] == PACKAGE}
    yield from (f"{name} is in the wheel, but not in git" for name in sorted(code - expected))
    yield from (f"{name} is in git, but not in the wheel" for name in sorted(expected - code))
    yield from (f"{name} is missing in the wheel" for name in NEEDED if name not in wheel)
    rest = {name.partition(".dist-info/") for name in wheel.keys() - code}
    yield from (f"{''.join(name)} has no business in the wheel" for name in sorted(rest) if name[2] not in DIST_INFO)
    yield from (f"{name} is missing in the wheel's metadata" for name in sorted(DIST_INFO - {name[2] for name in rest}))


def sdist_faults(sdist: Contents, tracked: Iterable[str]) -> Iterator[str]:
    """What is wrong with an sdist's files: it holds what git has of its folders, and what the build writes."""
    parts = {name: PurePosixPath(name).parts[0] for name in tracked}
    expected = {name for name, top in parts.items() if top in SDIST_FOLDERS or name in SDIST_FILES} | SDIST_MADE
    yield from (f"{name} is in the sdist, but not in git" for name in sorted(sdist.keys() - expected))
    yield from (f"{name} is missing in the sdist" for name in sorted(expected - sdist.keys()))


def differences(wheel: Contents, other: Contents) -> Iterator[str]:
    """How two wheels differ, file by file and byte by byte."""
    yield from (f"{name} is only in one of the two wheels" for name in sorted(wheel.keys() ^ other.keys()))
    yield from (
        f"{name} differs in the two wheels"
        for name in sorted(wheel.keys() & other.keys())
        if wheel[name] != other[name]
    )


def digest(path: Path) -> str:
    """The SHA-256 of a file, as `sha256sum` writes it."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
