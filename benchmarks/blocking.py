"""Processor time per event of one stream that a thread reads, with the async client beside it."""

import asyncio
import statistics
from collections import deque
from collections.abc import Callable, Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Final

from kai_client import Timeouts
from kai_client.sync import KaiClient

from .baselines.textbook_blocking import textbook
from .clients import OURS, load
from .kinds import SECONDS, BlockingAsk, See
from .loopback import serving
from .measuring import in_turn, paired_ratio, spent
from .report import Bar, Report, Table

__all__ = ["measure"]

_TEXTBOOK: Final = "textbook, blocking"
_OURS: Final = "kai_client.sync"
_FRAMINGS: Final[Mapping[str, tuple[int, int, float]]] = {
    "a": (2_000, 150, 1.0),
    "a2": (20_000, 0, 0.3),
    "b": (50_000, 0, 0.7),
}
"""Events, microseconds between two of them, and the bar for ours: its share of the textbook's time. See `streams`."""


@contextmanager
def _ours(url: str, timeouts: Timeouts) -> Generator[BlockingAsk]:
    with KaiClient("token", "https://storage.test", base_url=url, stream_timeout=timeouts) as client:

        def ask(see: See) -> int:
            count = 0
            for event in client.send_message("chat", "hi"):
                see(event)
                count += 1
            return count

        yield ask


_CLIENTS: Final[Mapping[str, Callable[[str], AbstractContextManager[BlockingAsk]]]] = {
    _TEXTBOOK: textbook,
    _OURS: lambda url: _ours(url, Timeouts(idle=SECONDS)),
    f"{_OURS}, with a total": lambda url: _ours(url, Timeouts(idle=SECONDS, total=SECONDS)),
}


def _in_a_loop(url: str) -> tuple[int, float]:
    async def read() -> tuple[int, float]:
        async with load(OURS).open(url) as ask:
            before = spent()
            count = await ask(deque[object](maxlen=0).append)
            return count, (spent() - before).total

    return asyncio.run(read())


def _in_this_thread(name: str, url: str) -> tuple[int, float]:
    with _CLIENTS[name](url) as ask:
        before = spent()
        count = ask(deque[object](maxlen=0).append)
        return count, (spent() - before).total


def measure(rounds: int) -> Report:
    """All framings, all clients, `rounds` times. Raises `RuntimeError` for a client that did not get the whole answer."""
    columns: dict[str, dict[str, str]] = {}
    bars: list[Bar] = []
    with serving() as base:
        for framing, (count, gap, most) in _FRAMINGS.items():
            url = f"{base}/{framing}/{count}/{gap}"

            def read(name: str, _: int, url: str = url, count: int = count) -> float:
                got, seconds = _in_a_loop(url) if name == OURS else _in_this_thread(name, url)
                if got != count:
                    raise RuntimeError(f"{name} got {got} of {count} at {url}")
                return seconds

            taken = in_turn([*_CLIENTS, OURS], rounds, read)
            ratios = {name: paired_ratio(taken[name], taken[_TEXTBOOK]) for name in taken}
            micros = {name: statistics.median(taken[name]) / count * 1e6 for name in taken}
            columns[framing] = {name: f"{micros[name]:.1f} ({ratios[name]:.2f})" for name in taken}
            bars.append(Bar(f"{framing}: {_OURS} / {_TEXTBOOK}", ratios[_OURS], most))
    rows = [(name, *(each[name] for each in columns.values())) for name in (*_CLIENTS, OURS)]
    title = "blocking: µs of processor time per event, and the share of the blocking textbook's"
    return Report([Table(title, ("client", *columns), rows)], bars)
