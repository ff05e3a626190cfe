"""The site for language models: `llms.txt` says which page is about what, `llms-full.txt` is all of them in one file.

Both are made of the pages' Markdown, which is also copied beside each page of the site (`streaming.md` beside `streaming.html`); the
reference, whose pages hold only names, is written out of the objects themselves. See https://llmstxt.org.
"""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import BaseModel
from signatures import spelt
from sphinx.application import Sphinx
from sphinx.util.inspect import stringify_signature
from sphinx.util.typing import ExtensionMetadata

__all__ = ["setup", "summary"]

_DIRECTIVES: Final = re.compile(r"^(`{3,})\{.*?^\1\n", re.DOTALL | re.MULTILINE)
_MARKS: Final = re.compile(r"^<!--.*?-->\n+", re.DOTALL | re.MULTILINE)
_SHORT: Final = 40
"""A first sentence with fewer characters takes the next one along."""
_NAMES: Final = re.compile(r"^\.\. (currentmodule|autoclass|autofunction|autodata):: (\S+)$", re.MULTILINE)


def summary(text: str) -> tuple[str, str]:
    """The title of a page and its first sentence, without links. Raises `ValueError`, which fails the build, where it has none."""
    title = re.search(r"^# (.+)$", text, re.MULTILINE)
    if title is None:
        raise ValueError("A page begins with a title")
    paragraph = _DIRECTIVES.sub("", text[title.end() :]).strip().partition("\n\n")[0]
    plain = re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", " ".join(paragraph.split()))
    if not plain or plain.startswith("#"):
        raise ValueError(f"The page {title[1]!r} begins with a sentence that says what it is about")
    first, *rest = re.split(r"(?<=[a-z0-9`)\"])\. (?=[A-Z`])", plain)
    said = first if len(first) > _SHORT or not rest else f"{first}. {rest[0]}"
    return title[1].replace("`", ""), f"{said.rstrip('.:')}."


def _markdown(text: str) -> str:
    """A page as it reads without Sphinx, the objects that it names written out."""

    def written(directive: re.Match[str]) -> str:
        return "\n\n".join(_objects(directive[0])) + "\n" if "{eval-rst}" in directive[0] else ""

    return _MARKS.sub("", _DIRECTIVES.sub(written, text)).rstrip() + "\n"


def _objects(directive: str) -> Iterator[str]:
    module = ""
    for kind, name in _NAMES.findall(directive):
        if kind == "currentmodule":
            module = name
        else:
            yield _described(module, name)


def _described(module: str, name: str) -> str:
    each: object = getattr(importlib.import_module(module), name)
    if not (inspect.isclass(each) or inspect.isfunction(each)):
        return f"### {module}.{name}"
    methods = [
        f"- `{_signature(member, key)}`: {_first_line(member)}"
        for key, member in inspect.getmembers(each, inspect.isroutine)
        if not key.startswith("_") and str(getattr(member, "__module__", None)).startswith("kai_client")
    ]
    return "\n\n".join(
        filter(None, [f"### {module}.{_signature(each, name)}", inspect.getdoc(each), "\n".join(methods)])
    )


def _signature(each: object, name: str) -> str:
    if inspect.isclass(each) and issubclass(each, BaseModel):
        return f"{name}({', '.join(each.model_fields)})"
    try:
        shown = stringify_signature(inspect.signature(each), unqualified_typehints=True) if callable(each) else ""
        shown = re.sub(r"~(?:\w+\.)*", "", shown)
        for alias in spelt():
            shown = shown.replace(alias, spelt()[alias].rpartition(".")[2])
        return name + shown
    except ValueError:
        return name


def _first_line(member: object) -> str:
    return (inspect.getdoc(member) or "").partition("\n\n")[0].replace("\n", " ")


def _write(app: Sphinx, error: Exception | None) -> None:
    """After the pages: the same for models."""
    if error is not None or app.builder.name != "html":
        return
    names = sorted(app.env.found_docs, key=lambda name: (name != app.config.root_doc, name.startswith("api/"), name))
    pages = {name: Path(app.env.doc2path(name)).read_text(encoding="utf-8") for name in names}
    out = Path(app.outdir)
    for name, text in pages.items():
        place = out / f"{name}.md"
        place.parent.mkdir(exist_ok=True)
        place.write_text(_markdown(text), encoding="utf-8")
    links = [f"- [{title}]({name}.md): {said}" for name in names[1:] for title, said in [summary(pages[name])]]
    head = "# {}\n\n> {}\n\nAll pages in one file: [llms-full.txt](llms-full.txt)\n\n## Pages\n".format(
        *summary(pages[names[0]])
    )
    (out / "llms.txt").write_text("\n".join([head, *links, ""]), encoding="utf-8")
    (out / "llms-full.txt").write_text("\n".join(map(_markdown, pages.values())), encoding="utf-8")


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("build-finished", _write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
