"""What every measured client is: something that is opened for a URL, and then asked for the answer."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

__all__ = [
    "KEPT_CONNECTIONS",
    "MOST_CONNECTIONS",
    "QUESTION",
    "SECONDS",
    "Ask",
    "BlockingAsk",
    "Client",
    "Opening",
    "See",
]

See = Callable[[object], object]
"""Takes each event as the client's user gets it, at once."""

Ask = Callable[[See], Awaitable[int]]
"""Sends the question, reads the whole answer, and returns how many events there were (or see `Client.of_message`)."""

BlockingAsk = Callable[[See], int]
"""The same, in the thread that calls it."""

Opening = Callable[[str], AbstractAsyncContextManager[Ask]]
"""A client of its own for a URL, closed with the block."""


@dataclass(frozen=True)
class Client:
    """A way to read a stream. `of_message`: it returns how many characters of text the whole message has."""

    name: str
    open: Opening
    of_message: bool = False


MOST_CONNECTIONS = 5000
KEPT_CONNECTIONS = 20
"""Idle ones, httpx's default: without it httpx's pool looks at every idle connection whenever a stream ends."""

SECONDS = 120.0
"""How long every client waits for the next byte."""

QUESTION = {"id": "chat", "message": {"id": "m", "role": "user", "parts": [{"type": "text", "text": "hi"}]}}
"""The body that is posted."""
