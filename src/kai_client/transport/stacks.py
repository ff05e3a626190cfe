"""Which network stack carries the requests: httpx's own, or aiohttp's below httpx's client."""

import importlib.util
import os
from typing import Final, Literal, NamedTuple, TypeAlias, get_args

from kai_client.exceptions import KaiConfigError

__all__ = ["ChosenStack", "NetworkStack", "chosen_stack", "missing_stack"]

NetworkStack: TypeAlias = Literal["httpx", "aiohttp"]
"""`aiohttp` needs the extra `fast`, and a third of httpx's time for a stream that comes token by token."""

_VARIABLE: Final = "KAI_TRANSPORT"
_NAMES: Final[tuple[NetworkStack, ...]] = get_args(NetworkStack)
_CHOICES: Final = " or ".join(map(repr, _NAMES))


class ChosenStack(NamedTuple):
    """A stack; without anybody having asked for it another will do."""

    name: NetworkStack
    asked_for: bool


def chosen_stack(wanted: NetworkStack | None) -> ChosenStack:
    """`wanted`, else `KAI_TRANSPORT`, else the faster one that is installed.

    Raises `ValueError` for a `wanted` that is none, `KaiConfigError` for such a variable and for a stack that is missing.
    """
    if wanted is not None and wanted not in _NAMES:
        raise ValueError(f"transport must be {_CHOICES}, not {wanted!r}")
    stack = wanted or _from_environment()
    # Looked up, not imported: importing aiohttp takes longer than importing this package.
    installed = importlib.util.find_spec("aiohttp") is not None
    if stack is None:
        return ChosenStack("aiohttp" if installed else "httpx", asked_for=False)
    if stack == "aiohttp" and not installed:
        raise missing_stack("aiohttp is not installed")
    return ChosenStack(stack, asked_for=True)


def missing_stack(reason: str) -> KaiConfigError:
    """The error for a stack that was asked for and cannot be had."""
    return KaiConfigError(f'{reason}: pip install "kai-client[fast]"', "config:transport_missing")


def _from_environment() -> NetworkStack | None:
    value = os.environ.get(_VARIABLE, "").strip().lower()
    if not value:
        return None
    for name in _NAMES:
        if name == value:
            return name
    raise KaiConfigError(f"{_VARIABLE} must be {_CHOICES}, not {value!r}", "config:transport_unknown")
