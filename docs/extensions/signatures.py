"""Signatures as a reader wants them: aliases by their names, functions as defaults by theirs, models by their fields."""

import inspect
import re
from enum import Enum
from functools import cache
from types import FunctionType
from typing import Final

from docutils import nodes
from fastapi import FastAPI
from pydantic import BaseModel
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.ext.autodoc import Options
from sphinx.util.typing import ExtensionMetadata, stringify_annotation
from typing_extensions import is_protocol

from kai_client import Policy, Ruling, SSEEvent, ToolUIPart, UIPart, sync
from kai_client.server import TurnSpec
from kai_client.transport import TimeoutTypes
from kai_client.types import Json, NotGiven

__all__ = ["setup", "spelt"]

_ALIASES: Final[dict[str, object]] = {
    "kai_client.SSEEvent": SSEEvent,
    "kai_client.UIPart": UIPart,
    "kai_client.ToolUIPart": ToolUIPart,
    "kai_client.Policy": Policy,
    "kai_client.sync.Policy": sync.Policy,
    "kai_client.Ruling": Ruling,
    "kai_client.server.TurnSpec": TurnSpec,
    "kai_client.transport.TimeoutTypes": TimeoutTypes,
    "kai_client.types.Json": Json,
    "kai_client.types.NotGiven": NotGiven,
}
"""Sphinx sees what a signature's alias stands for, not its name."""


@cache
def spelt() -> dict[str, str]:
    """The aliases by how Sphinx shows what they stand for, the longest first."""
    shown = {re.sub(r"(?:\w+\.)+", "", stringify_annotation(alias)): name for name, alias in _ALIASES.items()}
    shown |= {"Literal[_Unset.NOT_GIVEN]": "kai_client.types.NotGiven", "Annotated[bool, Strict(strict=True)]": "bool"}
    return dict(sorted(shown.items(), key=lambda item: -len(item[0])))


def _fold(app: Sphinx, doctree: nodes.document) -> None:
    """Write the names of aliases where what they stand for is spelt out."""
    parents = {id(each.parent): each.parent for each in doctree.findall(pending_xref) if each.get("refdomain") == "py"}
    for parent in parents.values():
        for text, name in spelt().items():
            if parent is not None and text in parent.astext() and not parent.astext().startswith("alias of"):
                _fold_in(parent, text, name, app.env.current_document.docname)


def _fold_in(parent: nodes.Element, text: str, name: str, page: str) -> None:
    """Put one link in the place of the neighbours that spell this text."""
    start = 0
    while start < len(parent.children):
        end, seen = start, ""
        while end < len(parent.children) and len(seen) < len(text):
            seen += parent.children[end].astext()
            end += 1
        if seen == text:
            link = pending_xref("", refdomain="py", reftype="obj", reftarget=name, refdoc=page)
            link += nodes.Text(name.rpartition(".")[2])
            parent.children[start:end] = []
            parent.insert(start, link)
        start += 1


class _Name(str):
    """A text that is shown as it is, without quotes."""

    __slots__ = ()
    __repr__ = str.__str__


def _name_defaults(app: Sphinx, obj: object, bound_method: bool) -> None:
    """A function as a default is shown by its name, and any other `<...>`, which is no expression, by dots."""
    if not isinstance(obj, FunctionType):
        return
    signature = inspect.signature(obj)
    parameters = [_named(each) for each in signature.parameters.values()]
    if parameters != list(signature.parameters.values()):
        obj.__dict__["__signature__"] = signature.replace(parameters=parameters)


def _named(parameter: inspect.Parameter) -> inspect.Parameter:
    default: object = parameter.default
    if not repr(default).startswith("<") or isinstance(default, Enum) or default is inspect.Parameter.empty:
        return parameter
    return parameter.replace(default=_Name(default.__name__ if isinstance(default, FunctionType) else "..."))


def _shorten(
    app: Sphinx, what: str, name: str, obj: object, options: Options, signature: str | None, returns: str | None
) -> tuple[str, str | None] | None:
    """What is shown in brackets: nothing of models, whose fields follow, nor of what others have made; no `<...>`."""
    if inspect.isclass(obj) and (issubclass(obj, BaseModel | FastAPI) or is_protocol(obj)):
        return "", None
    return None if signature is None else (signature.replace("<factory>", "..."), returns)


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("autodoc-before-process-signature", _name_defaults)
    app.connect("autodoc-process-signature", _shorten)
    app.connect("doctree-read", _fold, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
