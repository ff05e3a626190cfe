"""Which network stack carries the requests of a client that was given none."""

import os
from typing import Final, Literal, TypeAlias, get_args

from kai_client.exceptions import KaiConfigError

__all__ = ["NetworkStack", "chosen_stack"]

NetworkStack: TypeAlias = Literal["asyncio", "httpx"]
"""httpx's client either way: `asyncio` has its HTTP over asyncio's own sockets, for less than half the time; `httpx` is httpx as it comes."""

_VARIABLE: Final = "KAI_TRANSPORT"
_NAMES: Final[tuple[NetworkStack, ...]] = get_args(NetworkStack)
_CHOICES: Final = " or ".join(map(repr, _NAMES))


def chosen_stack(wanted: NetworkStack | None) -> NetworkStack:
    """`wanted`, else `KAI_TRANSPORT`, else `asyncio`.

    Raises `ValueError` for a `wanted` that is none, and `KaiConfigError` for such a variable.
    """
    if wanted is not None:
        if wanted not in _NAMES:
            raise ValueError(f"transport must be {_CHOICES}, not {wanted!r}")
        return wanted
    value = os.environ.get(_VARIABLE, "").strip().lower()
    for name in _NAMES:
        if name == value:
            return name
    if value:
        raise KaiConfigError(f"{_VARIABLE} must be {_CHOICES}, not {value!r}", "config:transport_unknown")
    return "asyncio"
