"""All clients by name. Each is imported when it is loaded: a process that measures one must not have the others in it."""

import importlib
import importlib.util
from collections.abc import Mapping
from typing import Any, Final

from .kinds import Client

__all__ = ["FLOOR", "OURS", "OURS_HTTPX", "RAW_AIOHTTP", "RAW_HTTPX", "TEXTBOOK", "available", "load"]

TEXTBOOK: Final = "textbook"
RAW_HTTPX: Final = "raw httpx"
RAW_AIOHTTP: Final = "raw aiohttp"
FLOOR: Final = "floor"
OURS: Final = "kai-client"
OURS_HTTPX: Final = "kai-client, httpx as it comes"

_WHERE: Final[Mapping[str, tuple[str, ...]]] = {
    TEXTBOOK: ("baselines.textbook", "textbook"),
    RAW_HTTPX: ("baselines.raw", "raw_httpx"),
    "raw httpx-aiohttp": ("baselines.raw", "raw_httpx_aiohttp"),
    RAW_AIOHTTP: ("baselines.raw", "raw_aiohttp"),
    FLOOR: ("baselines.floor", "floor"),
    OURS: ("ours", "iterated", "asyncio"),
    f"{OURS}, final message": ("ours", "final_message", "asyncio"),
    f"{OURS}, events and message": ("ours", "iterated_then_message", "asyncio"),
    OURS_HTTPX: ("ours", "iterated", "httpx"),
}
"""Module and function, and what the function is called with to give the client."""

_PACKAGES: Final = {"aiohttp": "aiohttp", "httpx-aiohttp": "httpx_aiohttp"}
"""What a client needs that has this in its name; the group `bench` has it."""


def available() -> list[str]:
    """The names of the clients whose packages are installed."""
    missing = [word for word, package in _PACKAGES.items() if importlib.util.find_spec(package) is None]
    return [name for name in _WHERE if not any(word in name for word in missing)]


def load(name: str) -> Client:
    """The client with this name."""
    module, function, *arguments = _WHERE[name]
    found: Any = getattr(importlib.import_module(f".{module}", __package__), function)
    return Client(name, found(*arguments) if arguments else found, of_message="message" in name)
