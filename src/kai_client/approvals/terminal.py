"""The policy that asks whoever sits at the terminal."""

import asyncio
import sys
import threading
from typing import Any
from weakref import WeakKeyDictionary

from .decisions import Decision, ToolCall
from .question import NOBODY, decision_in, put, somebody_is_there

__all__ = ["ask"]

_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
"""One question at a time: there is one terminal."""


async def ask(call: ToolCall[Any], /) -> Decision:
    """Shows the call with all its arguments on stderr and reads the answer from stdin; where neither is a terminal, denies.

    `y` approves, `n` or nothing denies, and any other answer denies with these words as the reason, which the model is told.
    The end of the input denies.
    """
    if not somebody_is_there():
        return NOBODY
    loop = asyncio.get_running_loop()
    async with _LOCKS.setdefault(loop, asyncio.Lock()):
        put(call)
        line = await _read_line(loop)
    return decision_in(line)


async def _read_line(loop: asyncio.AbstractEventLoop) -> str:
    """A line of stdin, empty at its end. Cancelling it leaves no thread behind where the system can wait for a terminal."""
    line: asyncio.Future[str] = loop.create_future()

    def settle(text: str) -> None:
        if not line.done():
            line.set_result(text)

    try:
        loop.add_reader(sys.stdin.fileno(), lambda: settle(sys.stdin.readline()))
    except NotImplementedError:  # Windows
        reader = threading.Thread(
            target=lambda: loop.call_soon_threadsafe(settle, sys.stdin.readline()), name="kai-ask", daemon=True
        )
        reader.start()
        return await line
    try:
        return await line
    finally:
        loop.remove_reader(sys.stdin.fileno())
