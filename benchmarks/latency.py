"""How long an event takes from the wire into the user's hands.

The server writes its monotonic clock into each event just before it sends it; the client looks at the same clock when it has
the event. Other processes on the machine show in the 99th percentile first.
"""

import asyncio
import json
import statistics
import time
from collections.abc import Callable

from kai_client import TextDeltaEvent

from .baselines.chunk_models import TextDelta
from .clients import FLOOR, OURS, RAW_AIOHTTP, RAW_HTTPX, TEXTBOOK, available, load
from .kinds import Client
from .loopback import serving
from .measuring import in_turn, percentile
from .report import Report, Table

__all__ = ["measure"]

_COUNT = 400
_GAP = 2_000
_NAMES = (TEXTBOOK, RAW_HTTPX, RAW_AIOHTTP, FLOOR, OURS)


def _sent_at(event: object) -> int:
    """The server's clock in an event of any client."""
    match event:
        case TextDeltaEvent():
            return int(event.text)
        case TextDelta():
            return int(event.delta)
        case bytes():
            return int(json.loads(event)["delta"])
        case _:
            raise TypeError(f"no text delta: {event!r}")


async def _delays(client: Client, url: str) -> list[float]:
    """Microseconds for each event of one answer; the connection is there already."""
    seen: list[tuple[int, object]] = []
    clock: Callable[[], int] = time.monotonic_ns

    def see(event: object) -> None:
        seen.append((clock(), event))

    async with client.open(url) as ask:
        got = await ask(see)
    if got != _COUNT:
        raise RuntimeError(f"{client.name} got {got} of {_COUNT} events")
    return [(at - _sent_at(event)) / 1e3 for at, event in seen]


def measure(rounds: int) -> Report:
    """Median and 99th percentile of all events of all rounds."""
    clients = {name: load(name) for name in _NAMES if name in available()}
    with serving() as base:
        url = f"{base}/timed/{_COUNT}/{_GAP}"
        taken = in_turn(clients, rounds, lambda name, _: asyncio.run(_delays(clients[name], url)))
    rows: list[tuple[str, ...]] = []
    for name, each in taken.items():
        delays = [delay for delays in each for delay in delays]
        rows.append((name, f"{statistics.median(delays):.0f}", f"{percentile(delays, 99):.0f}"))
    notes = [f"{_COUNT} events {_GAP / 1e3:.0f} ms apart, {rounds} rounds"]
    columns = ("client", "median, µs", "99 of 100 within, µs")
    return Report([Table("latency: from the server's send to the user's hands", columns, rows, notes)])
