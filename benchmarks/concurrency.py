"""Many slow streams at once in one client: what each takes of memory, and that all of them arrive."""

import statistics
from collections.abc import Iterator, Sequence
from typing import Any

from .clients import OURS, RAW_HTTPX, available
from .loopback import fresh, serving
from .report import Bar, Report, Table

__all__ = ["measure"]

_STREAMS = (500, 2_000)
_EVENTS = 20
_MILLISECONDS = 400
_PAIRS = {OURS: RAW_HTTPX}
"""Ours, and what its transport takes alone."""
_MOST_KB = 60.0
_MOST_SILENCE = 5.0
"""In rounds of the server. The server itself is late when the machine is busy, so this only shows streams that stood still."""

Runs = list[dict[str, Any]]


def measure(rounds: int) -> Report:
    """Each client and number of streams in processes of their own; no round is dropped."""
    clients = available()
    names = [name for pair in _PAIRS.items() for name in reversed(pair) if name in clients]
    rows: list[Sequence[str]] = []
    bars: list[Bar] = []
    notes = [f"{_EVENTS} events for each, one every {_MILLISECONDS} ms, all open at once"]
    with serving("crowd_server") as base:
        for streams in _STREAMS:
            runs: dict[str, Runs] = {name: [] for name in names}
            for _ in range(rounds):
                for name, done in runs.items():
                    done.append(fresh("crowd", name, base, str(streams), str(_EVENTS), str(_MILLISECONDS)))
            rows += _rows(streams, runs)
            bars += _bars(streams, runs)
            notes += [
                f"{name}: {failure}" for name, done in runs.items() for run in done for failure in run["failures"]
            ]
    columns = ("client", "streams", "complete", "KB each", "above its transport", "CPU, s", "longest silence, ms")
    return Report([Table("concurrency: many slow streams in one client", columns, rows, notes)], bars)


def _rows(streams: int, runs: dict[str, Runs]) -> Iterator[Sequence[str]]:
    for name, done in runs.items():
        processor = statistics.median(run["user"] + run["system"] for run in done)
        yield (
            name,
            f"{streams:,}",
            f"{_complete(done):,}",
            f"{_kilobytes(done):.1f}",
            f"{_kilobytes(done) - _kilobytes(runs[_PAIRS[name]]):.1f}" if name in _PAIRS else "-",
            f"{processor:.1f}",
            f"{_silence(done) * 1e3:.0f}",
        )


def _bars(streams: int, runs: dict[str, Runs]) -> Iterator[Bar]:
    for name, alone in _PAIRS.items():
        if name not in runs:
            continue
        done = runs[name]
        above = _kilobytes(done) - _kilobytes(runs[alone])
        silence = _silence(done) * 1e3 / _MILLISECONDS
        yield Bar(f"{streams} streams, KB each above {alone}: {name}", above, _MOST_KB)
        yield Bar(f"{streams} streams, not complete: {name}", streams - _complete(done), 0)
        yield Bar(f"{streams} streams, longest silence in rounds: {name}", silence, _MOST_SILENCE)


def _complete(runs: Runs) -> int:
    """How many streams got all their events, in the worst run."""
    return min(int(run["complete"]) for run in runs)


def _silence(runs: Runs) -> float:
    """The longest time between two events of a stream, in seconds."""
    return max(float(run["silence"]) for run in runs)


def _kilobytes(runs: Runs) -> float:
    """Per stream; infinite when they were never all open."""
    figures = [run["bytes_per_stream"] for run in runs]
    return statistics.median(float("inf") if figure is None else figure / 1024 for figure in figures)
