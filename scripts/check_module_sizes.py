"""A module that outgrows its room is two rooms: fail for one over 400 lines, or a function over 45 (CONTRIBUTING)."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE_LINES = 400
FUNCTION_LINES = 45
PACKAGE = Path(__file__).parent.parent / "src" / "kai_client"


def oversized(path: Path) -> Iterator[str]:
    """What is too long in one module."""
    text = path.read_text(encoding="utf-8")
    lines = text.count("\n")
    if lines > MODULE_LINES:
        yield f"{path}: {lines} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield f"{path}:{node.lineno}: {node.name} has {length} lines"


def main() -> int:
    """Print every offender; the exit code says whether there was one."""
    modules = sorted(PACKAGE.rglob("*.py"))
    found = [line for path in modules for line in oversized(path)]
    print(*found, f"{len(modules)} modules checked, {len(found)} too long", sep="\n")
    return 1 if found or not modules else 0


if __name__ == "__main__":
    sys.exit(main())
