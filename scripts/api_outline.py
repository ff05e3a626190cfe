"""The public interface as text, one line for each name: read from the source by griffe, nothing is imported.

    == kai_client
    class Timeouts
        def __init__(self, connect: float | None = 5.0, ...)
        idle: float | None

Public are the package and the rooms that people import from, by their `__all__`. A class shows what it has: its own members, and
those of bases that have no public name. What is reached by several paths is shown at the first, and named at the others.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import griffe

SOURCE: Final = Path(__file__).parents[1] / "src"
PACKAGE: Final = "kai_client"

INTERNAL: Final = frozenset({"accumulator", "approvals", "backend", "history", "recovery", "stream", "transport"})
"""Rooms whose public names are those that the package itself has; what else they name is for other rooms."""

DEEPER: Final = ("nats.node",)
"""Public rooms below the first floor."""


def outline(source: Path = SOURCE, package: str = PACKAGE) -> str:
    """The whole interface of a package below `source`."""
    loaded = griffe.load(package, search_paths=[source], resolve_aliases=True, allow_inspection=False)
    rooms = sorted(name for name in loaded.modules if not name.startswith("_") and name not in INTERNAL)
    paths = ["", *rooms, *(name for name in DEEPER if name.partition(".")[0] in rooms)]
    sections = [(f"{package}.{path}".rstrip("."), loaded[path] if path else loaded) for path in paths]
    names = [(section, name, _target(module, name)) for section, module in sections for name in _exported(module)]
    shown: dict[str, str] = {}
    for section, name, found in names:
        shown.setdefault(found.path, f"{section}.{name}")
    lines: list[str] = []
    for section, _ in sections:
        lines += ["", f"== {section}"]
        for place, name, found in names:
            if place == section:
                here = f"{section}.{name}"
                lines += _object(name, found, shown) if shown[found.path] == here else [f"{name} = {shown[found.path]}"]
    return "\n".join(lines[1:]) + "\n"


def _exported(module: griffe.Object | griffe.Alias) -> list[str]:
    """The names of `__all__`, in order."""
    return sorted(str(name) for name in module.exports or ())


def _target(module: griffe.Object | griffe.Alias, name: str) -> griffe.Object:
    """What a public name stands for; a name that nothing stands for raises KeyError."""
    return _final(module.members[name])


def _final(found: griffe.Object | griffe.Alias) -> griffe.Object:
    return found.final_target if isinstance(found, griffe.Alias) else found


def _object(name: str, found: griffe.Object, shown: Iterable[str]) -> Iterator[str]:
    """The lines of one name."""
    match found:
        case griffe.Class():
            yield from _class(name, found, frozenset(shown))
        case griffe.Function():
            yield from _functions(name, found)
        case griffe.Attribute():
            yield _attribute(name, found)
        case _:
            yield f"{name}: {found.kind.value}"


def _class(name: str, found: griffe.Class, public: frozenset[str]) -> Iterator[str]:
    """A class with the members that it has of its own or of bases without a public name."""
    bases = list(dict.fromkeys(_bases(found, public)))
    yield f"class {name}({', '.join(bases)})" if bases else f"class {name}"
    for member_name, alias in sorted(found.all_members.items()):
        member = _final(alias)
        owner = member.parent
        if not _is_public(member_name, member) or owner is None or (owner.path in public and owner is not found):
            continue
        yield from (f"    {line}" for line in _object(member_name, member, public))


def _is_public(name: str, member: griffe.Object) -> bool:
    """Whether a member is part of the promise: no leading underscore, or a method that Python itself calls."""
    if not name.startswith("_"):
        return name != "model_config" and not isinstance(member, griffe.Module)
    return name.startswith("__") and name.endswith("__") and isinstance(member, griffe.Function)


def _bases(found: griffe.Class, public: frozenset[str]) -> Iterator[str]:
    """The bases as they are written; instead of one without a public name, its own."""
    ours = {base.path: base for base in map(_final, found.resolved_bases) if isinstance(base, griffe.Class)}
    for base in found.bases:
        inner = ours.get(base.canonical_path) if isinstance(base, griffe.Expr) else None
        if inner is None or inner.path in public:
            yield str(base)
        else:
            yield from _bases(inner, public)


def _functions(name: str, found: griffe.Function) -> Iterator[str]:
    """A function, a line for each of its overloads."""
    for function in found.overloads or [found]:
        kinds = [label for label in ("staticmethod", "classmethod") if label in found.labels]
        words = [*(f"@{kind}" for kind in kinds), *(["async"] if "async" in found.labels else []), "def"]
        yield f"{' '.join(words)} {name}({_parameters(function)}){f' -> {function.returns}' if function.returns else ''}"


def _parameters(function: griffe.Function) -> str:
    """The parameters as Python writes them."""
    for parameter in function.parameters:
        parameter.default = _public_value(function, parameter.default)
    written = str(function.signature(name="f")).removeprefix("f(")
    parameters = written[: written.rindex(")")] if function.returns is None else written.rpartition(") -> ")[0]
    receiver = next((p.name for p in function.parameters if p.name in ("self", "cls")), None)
    return ", ".join(part for part in (receiver, parameters) if part)


def _public_value(owner: griffe.Object, value: str | griffe.Expr | None) -> str | griffe.Expr | None:
    """A value; instead of a private name the value of that."""
    if not isinstance(value, griffe.ExprName) or not value.name.startswith("_"):
        return value
    constant = _final(owner.modules_collection[value.canonical_path])
    return str(constant.value) if isinstance(constant, griffe.Attribute) and constant.value is not None else value


def _attribute(name: str, found: griffe.Attribute) -> str:
    """A constant, a field, an enum's value or a property; what a method sets is shown without its value."""
    annotation = found.annotation or _assigned(found)
    typed = f": {annotation}" if annotation is not None else ""
    if "property" in found.labels:
        return f"@property {name}{typed}"
    value = (
        f" = {_public_value(found, found.value)}"
        if found.value is not None and found.labels != {"instance-attribute"}
        else ""
    )
    return f"{name}{typed}{value}".replace("\n", " ")


def _assigned(found: griffe.Attribute) -> str | griffe.Expr | None:
    """The type of `self.name = parameter`: the parameter's."""
    made = found.parent.members.get("__init__") if found.parent is not None else None
    if not isinstance(made, griffe.Function) or str(found.value) not in made.parameters:
        return None
    return made.parameters[str(found.value)].annotation
