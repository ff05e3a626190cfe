"""In which order answers are written: as they come, or as the prompts stand in the input."""

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

from .records import Record

__all__ = ["AsTheyCome", "InInputOrder", "Order"]

_AHEAD: Final = 16
"""How far, for each prompt that is answered at a time, the others may get ahead of the slowest one."""


class Order(Protocol):
    """Takes records by their places (0, 1, 2...) and writes them."""

    async def room(self, place: int) -> None:
        """Wait until the prompt at this place may be begun."""
        ...

    def put(self, place: int, record: Record) -> None:
        """Take the record of this place."""
        ...

    def end(self) -> None:
        """Write what is left; there may be places that nobody will ever fill."""
        ...


class AsTheyCome:
    """Writes each record at once."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    async def room(self, place: int) -> None:
        """See `Order`: there is always room."""

    def put(self, place: int, record: Record) -> None:
        """See `Order`."""
        del place
        self._write(record.line())

    def end(self) -> None:
        """See `Order`: nothing is left."""


class InInputOrder:
    """Holds each record back until all before it are written.

    What it holds is bounded: nobody gets further ahead of the oldest place that is not filled than `concurrency` allows.
    """

    def __init__(self, write: Callable[[str], None], concurrency: int) -> None:
        self._write = write
        self._most = concurrency * _AHEAD
        self._held: dict[int, str] = {}
        self._next = 0
        self._moved = asyncio.Event()

    async def room(self, place: int) -> None:
        """See `Order`."""
        while place >= self._next + self._most:
            self._moved.clear()
            await self._moved.wait()

    def put(self, place: int, record: Record) -> None:
        """See `Order`."""
        self._held[place] = record.line()
        while (line := self._held.pop(self._next, None)) is not None:
            self._next += 1
            self._moved.set()
            self._write(line)

    def end(self) -> None:
        """See `Order`."""
        for place in sorted(self._held):
            self._write(self._held.pop(place))
