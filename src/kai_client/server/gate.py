"""A place where the server waits until a test lets it go on: silence without a clock."""

import asyncio
import threading
from collections.abc import Callable
from typing import Final

from .script import Item

__all__ = ["Gate"]

_ARRIVAL_SECONDS: Final = 5.0


class Gate(Item):
    """A closed gate. It is an item of a script, `say("One "), gate, say("two")`, and an option of `next_stream` and `next_response`.

    Whatever comes to it waits there. It belongs to no event loop: any thread may open it. One that nobody opens is a server
    that hangs until its client leaves.
    """

    __slots__ = ("_changed", "_open", "_passes", "_waiting")

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = False
        self._passes = 0
        self._waiting: list[Callable[[], None]] = []

    def open(self) -> None:
        """Let everything through, from now on."""
        with self._changed:
            self._open = True
            self._let_go()

    def step(self, count: int = 1) -> None:
        """Let so many through: those that wait, and the next ones."""
        with self._changed:
            self._passes += count
            self._let_go()

    def wait(self, seconds: float = _ARRIVAL_SECONDS) -> None:
        """Return once something waits here. Raises `TimeoutError` where nothing comes. For tests that are no coroutines."""
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._waiting), seconds):
                raise TimeoutError(f"Nothing came to the gate within {seconds:g} s.")

    async def wait_async(self, seconds: float = _ARRIVAL_SECONDS) -> None:
        """`wait`, for coroutines: whatever else runs in the loop goes on."""
        await asyncio.to_thread(self.wait, seconds)

    async def passed(self) -> None:
        """The server's side: return when the gate lets through."""
        loop = asyncio.get_running_loop()
        through = asyncio.Event()

        def go() -> None:
            loop.call_soon_threadsafe(through.set)

        with self._changed:
            self._waiting.append(go)
            self._let_go()
            self._changed.notify_all()
        try:
            await through.wait()
        finally:
            with self._changed:
                if go in self._waiting:  # it left without being let through
                    self._waiting.remove(go)

    def _let_go(self) -> None:
        while self._waiting and (self._open or self._passes):
            self._passes -= not self._open
            self._waiting.pop(0)()

    def __repr__(self) -> str:
        return f"<Gate {'open' if self._open else 'closed'}>"
