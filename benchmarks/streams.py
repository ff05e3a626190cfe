"""Processor time per event of one stream, in four framings."""

import asyncio
import statistics
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from . import events
from .clients import FLOOR, OURS, TEXTBOOK, available, load
from .kinds import Client
from .loopback import serving
from .measuring import Cost, counted_reads, in_turn, paired_ratio, spent
from .report import Bar, Report, Table

__all__ = ["measure"]

Totals = Mapping[str, Sequence[float]]
"""Processor seconds of every round, by client."""

_ONE_BY_ONE = 0.9
"""Reads per event below which a client did not get its events one by one."""


@dataclass(frozen=True, kw_only=True)
class _Framing:
    """How events travel, and what may be had for what share of the textbook's time."""

    name: str
    says: str
    count: int
    gap: int = 0
    """Microseconds between two events; longer than the slowest client takes for one."""
    most_rounds: int = 99
    to_whole_messages: bool = True
    """Whether the clients that make the whole message are measured, too."""
    most: float | None = None
    """The bar for ours."""
    message: float | None = None
    """The bar for the clients that make the whole message."""
    above_floor: float | None = None
    """The bar for ours over the floor."""


_FRAMINGS = (
    _Framing(
        name="a",
        says="each event in a TCP segment of its own",
        count=2_000,
        gap=150,
        most=0.30,
        above_floor=1.35,
    ),
    _Framing(
        name="a2",
        says="each event in an HTTP chunk of its own, many in a TCP segment",
        count=20_000,
        most=0.22,
    ),
    _Framing(
        name="b",
        says="HTTP chunks of 32 KiB, cut anywhere",
        count=50_000,
        most=0.45,
        message=0.70,
    ),
    _Framing(
        name="paced",
        says="as a, an event every 2 ms, with the cost of waking up",
        count=400,
        gap=2_000,
        most_rounds=5,
        to_whole_messages=False,
    ),
)


@dataclass(frozen=True)
class _Run:
    """One answer read by one client."""

    cost: Cost
    reads: int


async def _read(client: Client, url: str, count: int, *, counting: bool) -> _Run:
    """Read the answer once. The client is open already: connecting, asking and reading are what is measured.

    Raises `RuntimeError` for a client that did not get the whole answer.
    """
    async with client.open(url) as ask:
        reads = 0
        before = spent()
        if counting:
            with counted_reads() as counted:
                got = await ask(deque[object](maxlen=0).append)
            reads = counted.count
        else:
            got = await ask(deque[object](maxlen=0).append)
        cost = spent() - before
    if got != (expected := events.text_length(count) if client.of_message else count):
        raise RuntimeError(f"{client.name} got {got} of {expected} at {url}")
    return _Run(cost, reads)


def measure(rounds: int) -> Report:
    """All framings, all clients, `rounds` times."""
    report = Report()
    clients = {name: load(name) for name in available()}
    totals: dict[str, Totals] = {}
    with serving() as base:
        for framing in _FRAMINGS:
            url = f"{base}/{framing.name}/{framing.count}/{framing.gap}"
            table, totals[framing.name] = _framing(framing, clients, url, min(rounds, framing.most_rounds))
            report += Report([table], _bars(framing, totals[framing.name]))
    report.tables.append(_summary(totals))
    return report


def _framing(framing: _Framing, clients: Mapping[str, Client], url: str, rounds: int) -> tuple[Table, Totals]:
    reads: dict[str, int] = {}
    names = [name for name, client in clients.items() if framing.to_whole_messages or not client.of_message]

    def run(name: str, number: int) -> Cost:
        # The round that is dropped counts the reads, which takes time.
        done = asyncio.run(_read(clients[name], url, framing.count, counting=number == 0))
        if number == 0:
            reads[name] = done.reads
        return done.cost

    costs = in_turn(names, rounds, run)
    totals = {name: [cost.total for cost in each] for name, each in costs.items()}
    return _table(framing, costs, totals, reads, rounds), totals


def _table(
    framing: _Framing,
    costs: Mapping[str, Sequence[Cost]],
    totals: Totals,
    reads: Mapping[str, int],
    rounds: int,
) -> Table:
    rows = [
        (
            name,
            f"{_micros(framing, totals[name]):.2f}",
            f"{sum(cost.system for cost in each) / sum(totals[name]):.0%}",
            f"{paired_ratio(totals[name], totals[TEXTBOOK]):.2f}",
            f"{paired_ratio(totals[name], totals[FLOOR]):.2f}",
            f"{reads[name] / framing.count:.2f}",
        )
        for name, each in costs.items()
    ]
    notes = [
        f"{framing.count} events, median of {rounds} rounds, ratios are medians of the rounds' ratios",
        "the kernel's share is what its clock tick samples",
    ]
    if framing.gap:
        late = [name for name in reads if reads[name] < _ONE_BY_ONE * framing.count]
        notes.append(f"NOT one by one for {'; '.join(late)}" if late else "every client got the events one by one")
    columns = ("client", "µs per event", "in the kernel", "of textbook", "of floor", "reads per event")
    return Table(f"streams {framing.name}: {framing.says}", columns, rows, notes)


def _summary(totals: Mapping[str, Totals]) -> Table:
    """All framings side by side."""
    names = next(iter(totals.values()))

    def cell(framing: _Framing, name: str) -> str:
        each = totals[framing.name]
        if name not in each:
            return "-"
        micros, ratio = _micros(framing, each[name]), paired_ratio(each[name], each[TEXTBOOK])
        return f"{micros:.{1 if micros >= 1 else 2}f} ({ratio:.2f})"

    rows = [(name, *(cell(framing, name) for framing in _FRAMINGS)) for name in names]
    columns = ("client", *(framing.name for framing in _FRAMINGS))
    return Table("streams: µs of processor time per event, and the share of the textbook's", columns, rows)


def _micros(framing: _Framing, seconds: Sequence[float]) -> float:
    """The median, per event."""
    return statistics.median(seconds) / framing.count * 1e6


def _bars(framing: _Framing, totals: Totals) -> list[Bar]:
    bars = {} if framing.most is None else {OURS: framing.most}
    if framing.message is not None:
        bars |= {name: framing.message for name in totals if "message" in name}
    found = [
        Bar(f"{framing.name}: {name} / textbook", paired_ratio(totals[name], totals[TEXTBOOK]), most)
        for name, most in bars.items()
    ]
    if framing.above_floor is not None:
        ratio = paired_ratio(totals[OURS], totals[FLOOR])
        found.append(Bar(f"{framing.name}: {OURS} / floor", ratio, framing.above_floor))
    return found
