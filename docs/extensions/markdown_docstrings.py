"""The package's docstrings on the site: they are the Markdown that editors show, and Sphinx reads reStructuredText."""

import importlib
import pkgutil
import re
from collections.abc import Iterable
from typing import Final

from sphinx.application import Sphinx
from sphinx.ext.autodoc import Options
from sphinx.pycode import ModuleAnalyzer
from sphinx.util.typing import ExtensionMetadata

__all__ = ["converted", "setup"]

_CODE: Final = " " * 4
_LITERAL: Final = re.compile(r"(`+)([^`]+)\1")
_SPECIAL: Final = re.compile(r"([*|\\]|(?<=\w)_(?!\w))")
"""What reStructuredText reads something into, and Markdown as we write it does not."""

_PAGE: Final = re.compile(r"\bdocs/([\w-]+)\.md\b")
_SECTION: Final = re.compile(r"\bprotocol (?:section )?(\d(?:\.\d)?)")


def converted(lines: list[str]) -> list[str]:
    """The lines of a Markdown docstring as reStructuredText: literals, and indented lines as the code that they are."""
    result: list[str] = []
    prose: list[str] = []
    before, in_code = "", False
    for line in lines:
        if line.strip() and not (in_code and line.startswith(_CODE)):
            in_code = line.startswith(_CODE) and not before.strip()
            if in_code:
                result += [*_prose(prose), f".. code-block:: {'text' if _is_drawing(lines) else 'python'}", ""]
                prose = []
        (result if in_code else prose).append(line)
        before = line
    return result + _prose(prose)


def _is_drawing(lines: list[str]) -> bool:
    return any("+--" in line for line in lines)


def _prose(lines: list[str]) -> list[str]:
    """Paragraphs with their literals, which may go over the end of a line, and everything else just as it reads."""
    text, shown, at = "\n".join(lines), "", 0
    for literal in _LITERAL.finditer(text):
        follows = text[literal.end() : literal.end() + 1]
        shown += _SPECIAL.sub(r"\\\1", text[at : literal.start()])
        shown += f"``{literal[2]}``" + ("\\ " if follows.isalnum() else "")
        at = literal.end()
    shown += _SPECIAL.sub(r"\\\1", text[at:])
    shown = _PAGE.sub(r":doc:`/\1`", _SECTION.sub(r":doc:`protocol \1 </protocol>`", shown))
    return shown.split("\n") if lines else []


def _convert(app: Sphinx, what: str, name: str, obj: object, options: Options, lines: list[str]) -> None:
    if what == "data":
        lines[:] = _comment_of(name)
    lines[:] = converted(lines)


def _comment_of(name: str) -> list[str]:
    """What is written below a variable where it is defined: a type alias has no docstring of its own."""
    home, _, short = name.rpartition(".")
    for module in _rooms(home):
        documented = ModuleAnalyzer.for_module(module).find_attr_docs()
        if ("", short) in documented:
            return documented["", short]
    return []


def _rooms(home: str) -> list[str]:
    """The modules below a package that its names may come from."""
    paths: Iterable[str] = getattr(importlib.import_module(home), "__path__", ())
    below = [each.name for each in pkgutil.walk_packages(paths, f"{home}.")]
    return [home, *(each for each in below if not each.removeprefix(home).startswith((".cli", ".sync")))]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("autodoc-process-docstring", _convert)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
