"""Which network stack carries the requests of a client that was given none: httpx's own, on blocking sockets."""

from typing import Literal, TypeAlias

__all__ = ["NetworkStack", "chosen_stack"]

NetworkStack: TypeAlias = Literal["httpx"]
"""The only one there is without an event loop."""


def chosen_stack(wanted: NetworkStack | None) -> NetworkStack:
    """`httpx`. Raises `ValueError` for anything else; `KAI_TRANSPORT` is about async clients."""
    if wanted not in {None, "httpx"}:
        raise ValueError(f"transport must be 'httpx', not {wanted!r}")
    return "httpx"
