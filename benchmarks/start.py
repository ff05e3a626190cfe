"""How long a cold client takes to its first event, in fresh processes."""

import statistics

from .clients import OURS, RAW_AIOHTTP, RAW_HTTPX, TEXTBOOK, available
from .loopback import fresh, serving
from .measuring import in_turn, paired_ratio
from .report import Bar, Report, Table

__all__ = ["measure"]

_NAMES = (TEXTBOOK, RAW_HTTPX, RAW_AIOHTTP, OURS)
_PATH = "a/10/200"
_MOST = 1.2


def measure(rounds: int) -> Report:
    """From making the client, and from asking an open one, with the imports done."""
    clients = available()
    names = [name for name in _NAMES if name in clients]
    with serving() as base:
        taken = in_turn(names, rounds, lambda name, _: fresh("first_event", name, f"{base}/{_PATH}"))

    def figures(name: str, kind: str) -> list[float]:
        return [float(each[kind]) for each in taken[name]]

    def ratio(name: str, kind: str) -> float:
        return paired_ratio(figures(name, kind), figures(RAW_HTTPX, kind))

    kinds = ("from_asking", "from_making")
    rows = [
        (name, *(text for kind in kinds for text in (_millis(figures(name, kind)), f"{ratio(name, kind):.2f}")))
        for name in names
    ]
    columns = ("client", "asked, ms", "of raw httpx", "made and asked, ms", "of raw httpx")
    notes = [f"median of {rounds} processes each, ratios are medians of the rounds' ratios"]
    bars = [
        Bar(f"first event of an open client: {OURS} / {RAW_HTTPX}", ratio(OURS, "from_asking"), _MOST),
    ]
    return Report([Table("start: from a cold client to its first event", columns, rows, notes)], bars)


def _millis(seconds: list[float]) -> str:
    return f"{statistics.median(seconds) * 1e3:.1f}"
