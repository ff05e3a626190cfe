"""That nothing is quadratic: the cost per event, or per byte, of an answer ten times as large."""

import asyncio
import json
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

import httpx

from kai_client import ChatStream, KaiClient

from .clients import OURS, load
from .events import Chunk, frame
from .growing import big_event, in_pieces, reasoning, steps, text, tool_input
from .kinds import Client
from .loopback import serving
from .measuring import in_turn, paired_ratio
from .report import Bar, Report, Table

__all__ = ["measure"]

_MOST = 1.2
_JSON_ALONE = "json.loads of that event alone"
_TIMES = 10
_BLOCK = 32 * 1024
_SMALL_BLOCK = 4 * 1024

Reader = Callable[[ChatStream], Awaitable[object]]
Run = Callable[[int, int], Awaitable[float]]
"""Processor seconds for one answer of a size, the mean of as many."""


@dataclass(frozen=True)
class _Case:
    """One kind of answer: its smaller size, and how it is read. The larger has ten times as much."""

    name: str
    size: int
    unit: str
    run: Run
    one_event: bool = False
    """Held against the growth of `json.loads`: a large JSON value costs more per byte than a small one, whoever reads it."""


class _Pieces(httpx.AsyncByteStream):
    """A body that is there already, piece by piece."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


class _Memory(httpx.AsyncBaseTransport):
    """Answers every request with the same pieces: no sockets, so that only our own work is measured."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:  # noqa: ARG002 - always the same
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=_Pieces(self._pieces))


async def _iterate(stream: ChatStream) -> None:
    async for _ in stream:
        pass


async def _text_at_end(stream: ChatStream) -> str:
    await _iterate(stream)
    return stream.text


async def _final_message(stream: ChatStream) -> object:
    return await stream.get_final_message()


@cache
def _pieces(chunks: Callable[[int], Iterator[Chunk]], size: int, block: int) -> list[bytes]:
    return in_pieces(chunks(size), block)


def _from_memory(chunks: Callable[[int], Iterator[Chunk]], read: Reader, block: int = _BLOCK) -> Run:
    """The answer is there already; what is measured begins when its head is read. Raises when it is not whole."""

    async def run(size: int, repeats: int) -> float:
        memory = _Memory(_pieces(chunks, size, block))
        async with (
            httpx.AsyncClient(transport=memory) as http,
            KaiClient("token", "https://storage.test", "http://127.0.0.1", http_client=http) as client,
        ):
            used = 0.0
            for _ in range(repeats):
                async with client.send_message("chat", "hi") as stream:
                    start = time.process_time()
                    await read(stream)
                    used += time.process_time() - start
        return used / repeats

    return run


def _from_server(client: Client, base: str) -> Run:
    """One big event through a network stack, its connection open. Raises `RuntimeError` when events are missing."""

    async def run(size: int, repeats: int) -> float:
        async with client.open(f"{base}/big/{size}") as ask:
            await ask(lambda _: None)
            start = time.process_time()
            counts = {await ask(lambda _: None) for _ in range(repeats)}
            used = time.process_time() - start
        if counts != {sum(1 for _ in big_event(0))}:
            raise RuntimeError(f"{client.name} got {counts} events")
        return used / repeats

    return run


async def _json_alone(size: int, repeats: int) -> float:
    """What the standard library takes for the JSON of the big event: objects without number cost more than a few."""
    frames = [frame(chunk).removeprefix(b"data: ") for chunk in big_event(size)]
    start = time.process_time()
    for _ in range(repeats):
        for each in frames:
            json.loads(each)
    return (time.process_time() - start) / repeats


def _cases(base: str) -> list[_Case]:
    return [
        _Case(_JSON_ALONE, 1_000_000, "byte", _json_alone, one_event=True),
        _Case(
            "tool output in one event, 4 KB pieces",
            1_000_000,
            "byte",
            _from_memory(big_event, _iterate, _SMALL_BLOCK),
            one_event=True,
        ),
        _Case(
            "tool output in one event, HTTP chunks of 4 KB",
            1_000_000,
            "byte",
            _from_server(load(OURS), base),
            one_event=True,
        ),
        _Case("tool input in deltas of 4 bytes, message", 100_000, "byte", _from_memory(tool_input, _final_message)),
        _Case("text, iterated", 10_000, "event", _from_memory(text, _iterate)),
        _Case("text, iterated, text at the end", 10_000, "event", _from_memory(text, _text_at_end)),
        _Case("text, message", 10_000, "event", _from_memory(text, _final_message)),
        _Case("reasoning, message", 10_000, "event", _from_memory(reasoning, _final_message)),
        _Case("steps with tool calls, message", 10_000, "event", _from_memory(steps, _final_message)),
    ]


def measure(rounds: int) -> Report:
    """Every case in both sizes; the smaller is read ten times, so that both take as long."""
    rows: list[Sequence[str]] = []
    bars: list[Bar] = []
    ratios: dict[str, float] = {}
    with serving() as base:
        for case in _cases(base):
            sizes = {"small": (case.size, _TIMES), "large": (case.size * _TIMES, 1)}

            def run(name: str, _: int, case: _Case = case, sizes: dict[str, tuple[int, int]] = sizes) -> float:
                size, repeats = sizes[name]
                return asyncio.run(_awaited(case.run(size, repeats))) / size

            taken = in_turn(sizes, rounds, run)
            ratio = ratios[case.name] = paired_ratio(taken["large"], taken["small"])
            nanoseconds = [f"{statistics.median(taken[name]) * 1e9:,.1f}" for name in sizes]
            rows.append((case.name, f"{case.size:,} {case.unit}s", *nanoseconds, f"{ratio:.2f}"))
            if not case.one_event:
                bars.append(Bar(f"growth: {case.name}", ratio, _MOST))
            elif case.name != _JSON_ALONE:
                bars.append(Bar(f"growth beyond that of json.loads: {case.name}", ratio / ratios[_JSON_ALONE], _MOST))
    columns = ("answer", "size", "ns each", f"ns each at {_TIMES} times the size", "ratio")
    notes = [f"processor time, median of {rounds} rounds, ratios are medians of the rounds' ratios"]
    return Report([Table("growth: nothing is quadratic", columns, rows, notes)], bars)


async def _awaited(run: Awaitable[float]) -> float:
    return await run
