"""The public interface, compared with the last release: what was added, changed and removed since.

Run: uv run --group dev python scripts/public_api.py           compare; fail for a breaking change that nobody has named
     uv run --group dev python scripts/public_api.py --write   the interface as it is now becomes the last release's

docs/api.txt is the interface of the last release, as scripts/api_outline.py writes it. A breaking change, whatever may stop a
program that runs today, has to be named in the part "Unreleased" of the changelog, in backticks; and when the last release was a
final one the version in _version.py has to say so: the next major one, or before 1.0 the next minor one.
"""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from api_outline import PACKAGE, SOURCE, outline
from packaging.version import Version

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "api.txt"

HEAD: Final = """The public interface of kai-client {version}, one line for each name.

Made by scripts/public_api.py --write when a release is made; `.ci/run` compares the code with it (docs/releasing.md).

"""

_NAME: Final = re.compile(r"(?:@\w+ )*(?:async )?(?:def |class )?(\w+)")

Interface = Mapping[str, str]
"""Dotted names, and the line that describes each."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass
class Changes:
    """Names of the interface, by what happened to them."""

    added: list[str] = field(default_factory=list[str])
    removed: list[str] = field(default_factory=list[str])
    extended: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])
    """Changed so that every call of before is still one: name, before, after."""
    changed: list[tuple[str, str, str]] = field(default_factory=list[tuple[str, str, str]])

    @property
    def breaking(self) -> list[str]:
        """What may stop a program that runs with the last release."""
        return sorted([*self.removed, *(name for name, _, _ in self.changed)])


def read(text: str) -> dict[str, str]:
    """The names of an outline. What stands in a class is below its name; an overload has a number."""
    names: dict[str, str] = {}
    section = parent = ""
    for line in text.splitlines():
        if line.startswith("== "):
            section = line.removeprefix("== ")
        elif section and (found := _NAME.match(line.strip())):
            inner = line.startswith(" ")
            name = f"{parent}.{found[1]}" if inner else f"{section}.{found[1]}"
            parent = parent if inner else name
            number = sum(1 for known in names if known == name or known.startswith(f"{name}#"))
            names[f"{name}#{number + 1}" if number else name] = line.strip()
    return names


def compare(before: Interface, after: Interface) -> Changes:
    """What happened between two interfaces. What goes with its class, or comes with it, is not named itself."""
    changes = Changes()
    changes.added = sorted(
        name for name in after.keys() - before.keys() if name.rpartition(".")[0] not in after.keys() - before.keys()
    )
    gone = before.keys() - after.keys()
    changes.removed = sorted(name for name in gone if name.rpartition(".")[0] not in gone)
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            kind = changes.extended if extends(before[name], after[name]) else changes.changed
            kind.append((name, before[name], after[name]))
    return changes


def extends(before: str, after: str) -> bool:
    """Whether a line promises all that another did: a class with more bases, a function with more optional parameters."""
    old, new = _parsed(before), _parsed(after)
    if isinstance(old, ast.ClassDef) and isinstance(new, ast.ClassDef):
        return {ast.unparse(base) for base in old.bases} <= {ast.unparse(base) for base in new.bases}
    if isinstance(old, ast.FunctionDef) and isinstance(new, ast.FunctionDef):
        return _extends(old, new)
    return isinstance(old, ast.AsyncFunctionDef) and isinstance(new, ast.AsyncFunctionDef) and _extends(old, new)


def _extends(old: Function, new: Function) -> bool:
    """Whether every call of `old` is one of `new`, with the same result."""
    if _unparsed(*old.decorator_list, old.returns) != _unparsed(*new.decorator_list, new.returns):
        return False
    was, now = dict(_parameters(old)), dict(_parameters(new))
    positional = [name for name, shape in was.items() if not shape.startswith("keyword")]
    kept = list(now)[: len(positional)] == positional and all(now.get(name) == shape for name, shape in was.items())
    return kept and all("=" in now[name] or name.startswith("*") for name in now.keys() - was.keys())


def _unparsed(*expressions: ast.expr | None) -> list[str]:
    return [ast.unparse(expression) if expression is not None else "" for expression in expressions]


def _parsed(line: str) -> ast.stmt:
    """The statement that a line of the outline is; what is neither function nor class is a string."""
    *decorators, rest = re.split(r" (?=@|async def|def )", line) if line.startswith("@") else [line]
    statement = f"{rest}: ..." if re.match(r"(async )?def |class ", rest) else repr(line)
    return ast.parse("\n".join([*decorators, statement]) if statement != repr(line) else statement).body[0]


def _parameters(function: Function) -> Iterator[tuple[str, str]]:
    """The parameters in their order, each with all that matters to a caller."""
    given = function.args
    positional = [*given.posonlyargs, *given.args]
    defaults: list[ast.expr | None] = [*[None] * (len(positional) - len(given.defaults)), *given.defaults]
    for index, (parameter, default) in enumerate(zip(positional, defaults, strict=True)):
        kind = "positional only" if index < len(given.posonlyargs) else "positional"
        yield parameter.arg, f"{kind} {ast.unparse(parameter)}{f'={ast.unparse(default)}' if default else ''}"
    if given.vararg is not None:
        yield f"*{given.vararg.arg}", f"*{ast.unparse(given.vararg)}"
    for parameter, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield parameter.arg, f"keyword {ast.unparse(parameter)}{f'={ast.unparse(default)}' if default else ''}"
    if given.kwarg is not None:
        yield f"**{given.kwarg.arg}", f"keyword **{ast.unparse(given.kwarg)}"


def unnamed(breaking: list[str], changelog: str) -> list[str]:
    """The breaking changes whose name no code in the part "Unreleased" has."""
    unreleased = re.search(r"^## \[Unreleased\](.*?)(?=^## \[|\Z)", changelog, re.MULTILINE | re.DOTALL)
    words = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", unreleased[1] if unreleased is not None else ""))))
    return [name for name in breaking if name.partition("#")[0].rpartition(".")[2] not in words]


def needed(last: Version) -> Version | None:
    """The lowest version that may break the interface of `last`; None if any may, because it was no final release."""
    if last.is_prerelease:
        return None
    return Version(f"{last.major + 1}.0.0") if last.major else Version(f"0.{last.minor + 1}.0")


def faults(changes: Changes, changelog: str, last: Version, version: Version) -> Iterator[str]:
    """What has to be done before these changes may land."""
    yield from (
        f"{name}: name it in the part Unreleased of CHANGELOG.md" for name in unnamed(changes.breaking, changelog)
    )
    least = needed(last)
    if changes.breaking and least is not None and version.release < least.release:
        yield f"{len(changes.breaking)} breaking changes need the version {least} or later, and _version.py says {version}"


def report(changes: Changes, last: Version) -> Iterator[str]:
    """What happened, for people."""
    yield f"since {last}: {len(changes.added)} added, {len(changes.extended)} extended, {len(changes.breaking)} breaking"
    yield from (f"  + {name}" for name in changes.added)
    yield from (f"  ~ {name}\n      was {was}\n      is  {now}" for name, was, now in changes.extended)
    yield from (f"  ! {name}\n      was {was}\n      is  {now}" for name, was, now in changes.changed)
    yield from (f"  - {name}" for name in changes.removed)


def version_of(text: str, pattern: str) -> Version:
    """The version that a text names."""
    found = re.search(pattern, text)
    return Version(found[1]) if found is not None else sys.exit(f"no version: {pattern}")


def main() -> int:
    """Print what happened and what has to be done; the exit status says whether there is something."""
    version = version_of((SOURCE / PACKAGE / "_version.py").read_text(encoding="utf-8"), r'__version__ = "(.+)"')
    if "--write" in sys.argv:
        PAGE.write_text(HEAD.format(version=version) + outline(), encoding="utf-8")
        return 0
    page = PAGE.read_text(encoding="utf-8")
    last = version_of(page, r"The public interface of kai-client (\S+),")
    changes = compare(read(page), read(outline()))
    print(*report(changes, last), sep="\n")
    found = list(faults(changes, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), last, version))
    print(*(f"WRONG: {fault}" for fault in found), sep="\n", end="\n" * bool(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
