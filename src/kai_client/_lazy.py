"""The names of a package, each loaded when it is first used."""

import importlib
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from types import ModuleType

from kai_client._extras import needs_extra

__all__ = ["lazy_names"]


def lazy_names(
    package: ModuleType, rooms: Sequence[str], *, extra: str | None = None
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The `__getattr__` and `__dir__` of a package: each name of its `__all__` comes from the first of the rooms that has it.

    `extra` is what the rooms need to be installed with; without it, looking up a name says so.
    """

    def get(name: str) -> object:
        if name in package.__all__:
            for room in rooms:
                with needs_extra(extra, package.__name__) if extra else nullcontext():
                    module = importlib.import_module(f".{room}", package.__name__)
                if name in module.__all__:
                    value: object = getattr(module, name)
                    setattr(package, name, value)  # the next look-up is an ordinary one
                    return value
        raise AttributeError(f"module {package.__name__!r} has no attribute {name!r}")

    def names() -> list[str]:
        return sorted({*vars(package), *package.__all__})

    return get, names
