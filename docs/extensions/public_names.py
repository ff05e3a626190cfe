"""The names of the package on the site: what is public, where it is explained, and links to it from every page.

Pages and docstrings write `KaiClient.run` as Markdown does, and read well wherever they are shown. Here each such literal that
names something in the reference becomes a link to it.
"""

import builtins
import importlib
import inspect
from functools import cache
from typing import Final

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.typing import ExtensionMetadata

import kai_client.sync

__all__ = ["MODULES", "public_names", "setup"]

MODULES: Final = (
    "kai_client",
    "kai_client.sync",
    "kai_client.server",
    "kai_client.testing",
    "kai_client.nats",
    "kai_client.nats.node",
    "kai_client.otel",
    "kai_client.exceptions",
    "kai_client.types",
)
"""Where names are explained. The first that has a name is the one to import it from."""

_SAID: Final = "kai-said"
"""Marks the links of pages and docstrings: what they name must be there. Signatures may name what is not public."""

_INSTANCES: Final = {"client": "KaiClient", "stream": "ChatStream", "event": "BaseSSEEvent"}
"""What the variables of the examples are."""


@cache
def public_names() -> dict[str, str]:
    """Where a name is explained: by the name itself, and by the module that it was defined in."""
    found: dict[str, str] = {}
    for name in MODULES:
        module = importlib.import_module(name)
        for public in module.__all__:
            place = f"{name}.{public}"
            found.setdefault(public, place)
            found.setdefault(place, found[public] if _is_same(module, public, found[public]) else place)
            each: object = getattr(module, public)
            if inspect.isclass(each) or inspect.isfunction(each):
                found.setdefault(f"{each.__module__}.{each.__qualname__}", found[place])
    return found


def _is_same(module: object, name: str, place: str) -> bool:
    home, _, there = place.rpartition(".")
    return getattr(importlib.import_module(home), there) is getattr(module, name)


def _target(text: str, page: str) -> str | None:
    """What `KaiClient`, `KaiClient.run`, `client.run()` or `stream.text` means on a page; None for anything else."""
    first, *rest = text.partition("(")[0].split(".")
    if not first.isidentifier() or len(rest) > 1 or not all(each.isidentifier() for each in rest):
        return None
    if not rest and first.islower() and "_" not in first:
        return None  # a word: `finish` is an event, a chunk, and a function of the local server
    name = _INSTANCES.get(first, first) if rest else first
    owner = public_names().get(name)
    if page.endswith("sync") and name in kai_client.sync.__all__:
        twin: object = getattr(kai_client.sync, name)
        if all(hasattr(twin, each) for each in rest):  # else it is said of the async one
            owner = f"kai_client.sync.{name}"
    return None if owner is None else ".".join([owner, *rest])


def _link(app: Sphinx, doctree: nodes.document) -> None:
    """Make the literals that name something links to it, and none of the built-in names."""
    page = app.env.current_document.docname
    for reference in doctree.findall(pending_xref):
        if hasattr(builtins, reference.get("reftarget", "")) and reference.hasattr("refspecific"):
            del reference["refspecific"]  # the `type` of a signature is not the field of an event
        elif (named := _target(reference.get("reftarget", ""), page)) is not None:
            reference["reftarget"] = (
                named  # an annotation that is a text has no module to tell two classes of a name apart
            )
    for literal in list(doctree.findall(nodes.literal)):
        target = None if _is_linked(literal) else _target(literal.astext(), page)
        if target is None:
            continue
        link = pending_xref("", refdomain="py", reftype="obj", reftarget=target, refdoc=page)
        link[_SAID] = True
        literal.replace_self(link)
        link += literal


def _is_linked(node: nodes.Node) -> bool:
    parent: nodes.Node | None = node.parent
    while parent is not None:
        if isinstance(parent, nodes.reference | nodes.title | pending_xref):
            return True
        parent = parent.parent
    return False


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, shown: nodes.TextElement
) -> nodes.reference | nodes.TextElement | None:
    """Links of autodoc go to where a name was defined; it is explained under its public name, or nowhere if it has none."""
    if node.get("refdomain") != "py":
        return None
    target: str = node["reftarget"]
    place = public_names().get(target)
    if place is None and target.startswith("kai_client.") and not node.get(_SAID):
        return shown
    if place is not None and place != target:
        found: nodes.reference | None = env.domains.python_domain.resolve_xref(
            env, node["refdoc"], app.builder, "obj", place, node, shown
        )
        if found is not None:
            return found
    return None


def setup(app: Sphinx) -> ExtensionMetadata:
    """Called by Sphinx."""
    app.connect("doctree-read", _link)
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
