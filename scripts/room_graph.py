"""The rooms of the package and who imports whom, read from the code: imports by grimp, sentences and sizes from the files."""

import ast
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grimp

ROOT: Final = Path(__file__).parents[1]
PACKAGE: Final = "kai_client"
SOURCE: Final = ROOT / "src" / PACKAGE


@dataclass(frozen=True)
class Room:
    """A module or package directly below the package."""

    name: str
    sentence: str
    """The first sentence of its docstring."""
    modules: int
    lines: int
    imports: frozenset[str]
    """The rooms that it imports when it runs; what only type checkers read is none of them."""
    pure: bool
    """Whether the import contract keeps it from the event loop and the clock."""
    extra: bool
    """Whether an extra of the same name brings what it needs."""


def rooms() -> dict[str, Room]:
    """All rooms, by name."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = project["tool"]["importlinter"]["contracts"]
    pure = next(contract["source_modules"] for contract in contracts if "pure" in contract["name"])
    extras = project["project"]["optional-dependencies"]
    return {
        name: Room(name, *_told(name), imports, f"{PACKAGE}.{name}" in pure, name in extras)
        for name, imports in _imports().items()
    }


def _imports() -> dict[str, frozenset[str]]:
    """Who imports whom, a room at a time."""
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=True, cache_dir=None)
    found: dict[str, set[str]] = {child.partition(".")[2]: set() for child in graph.find_children(PACKAGE)}
    for module in graph.modules - {PACKAGE}:
        room = module.split(".")[1]
        found[room] |= {
            imported.split(".")[1]
            for imported in graph.find_modules_directly_imported_by(module)
            if imported != PACKAGE
        } - {room}
    return {name: frozenset(found[name]) for name in sorted(found)}


def _told(name: str) -> tuple[str, int, int]:
    """What a room says of itself, how many modules it has, and how many lines these have."""
    folder = SOURCE / name
    files = sorted(folder.rglob("*.py")) if folder.is_dir() else [SOURCE / f"{name}.py"]
    files = [file for file in files if not file.name.endswith("_pb2.py")]
    first = folder / "__init__.py" if folder.is_dir() else files[0]
    docstring = ast.get_docstring(ast.parse(first.read_text(encoding="utf-8"))) or ""
    said = re.split(r"(?<=\.)\s", " ".join(docstring.split()))[0]
    sentence = re.sub(r" \([^)]*\)(?=\.$)", "", said)
    return sentence, len(files), sum(file.read_text(encoding="utf-8").count("\n") for file in files)


def foundation(found: Mapping[str, Room]) -> list[str]:
    """The rooms that import no other."""
    return [name for name, room in found.items() if not room.imports]


def drawn(found: Mapping[str, Room]) -> dict[str, frozenset[str]]:
    """The imports without which the picture would be another: what another import leads to anyway is left out."""
    return {
        name: frozenset(
            target
            for target in room.imports
            if not any(target in _below(found, other) for other in room.imports - {target})
        )
        for name, room in found.items()
    }


def _below(found: Mapping[str, Room], name: str) -> set[str]:
    """Every room that a room imports, directly or not."""
    below: set[str] = set()
    waiting = list(found[name].imports)
    while waiting:
        if (room := waiting.pop()) not in below:
            below.add(room)
            waiting += found[room].imports
    return below
