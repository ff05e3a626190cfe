"""Events per second through a real broker: our service and our client, beside bare nats-py with the same events.

Three processes: the broker, the worker (`nats_worker.py`) and this one, which reads. Bare nats-py makes nothing and reads nothing: it
publishes bytes that are there, one message an event, and counts them. Ours makes chunks of events and typed events of chunks.
"""

import asyncio
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from nats.aio.msg import Msg

from kai_client.nats import NatsKai
from kai_client.nats.client import ContentType
from kai_client.nats.door import Connection, connect

from .measuring import in_turn, paired_ratio
from .nats_worker import BARE
from .report import Bar, Report, Table

__all__ = ["measure"]

_COUNT: Final = 50_000
_BARE: Final = "bare nats-py, a message an event"
_OURS: Final[dict[str, ContentType]] = {
    "kai-client, protobuf": "application/x-protobuf",
    "kai-client, JSON": "application/json",
}
_SECONDS: Final = 30


@contextmanager
def _broker() -> Generator[str]:
    """The URL of a broker, and with it a worker that is ready."""
    executable = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"
    with TemporaryDirectory() as folder:
        command = [executable, "-a", "127.0.0.1", "-p", "-1", "-l", f"{folder}/log", "--ports_file_dir", folder]
        broker = subprocess.Popen(command)
        worker: subprocess.Popen[str] | None = None
        try:
            url = _address(Path(folder))
            arguments = [sys.executable, "-m", "benchmarks.nats_worker", url, str(_COUNT)]
            worker = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
            if worker.stdout is None or worker.stdout.readline() != "ready\n":
                raise RuntimeError("the worker did not start")
            yield url
        finally:
            for process in (worker, broker):
                if process is not None:
                    process.kill()
                    process.communicate()


def _address(folder: Path) -> str:
    until = time.monotonic() + _SECONDS
    while time.monotonic() < until:
        for file in folder.glob("*.ports"):
            if '"nats"' in (text := file.read_text()):
                return "nats://" + text.partition("nats://")[2].partition('"')[0]
        time.sleep(0.02)
    raise RuntimeError("the broker did not start")


async def _ours(url: str, content_type: ContentType) -> float:
    async with NatsKai.connect(url, content_type=content_type) as kai:
        start = time.perf_counter()
        got = 0
        async for _ in kai.send_message(kai.new_chat_id(), "go"):
            got += 1
        seconds = time.perf_counter() - start
    _require_all(got)
    return seconds


async def _bare(url: str) -> float:
    connection: Connection = await connect(url, seconds=_SECONDS)
    got, all_there = 0, asyncio.Event()

    async def count(_: Msg) -> None:
        nonlocal got
        got += 1
        if got == _COUNT:
            all_there.set()

    inbox = connection.new_inbox()
    await connection.subscribe(inbox, cb=count)  # pyright: ignore[reportUnknownMemberType] - nats-py's own
    start = time.perf_counter()
    await connection.publish(BARE, b"", inbox)
    async with asyncio.timeout(_SECONDS):
        await all_there.wait()
    seconds = time.perf_counter() - start
    await connection.close()
    return seconds


def _require_all(got: int) -> None:
    if got != _COUNT:
        raise RuntimeError(f"{got} of {_COUNT} events arrived")


def measure(rounds: int) -> Report:
    """Events per second, and the ratio of the times."""
    with _broker() as url:

        async def read(name: str) -> float:
            return await (_bare(url) if name == _BARE else _ours(url, _OURS[name]))

        taken = in_turn([_BARE, *_OURS], rounds, lambda name, _: asyncio.run(read(name)))
    rows: list[tuple[str, ...]] = []
    report = Report()
    for name, seconds in taken.items():
        ratio = paired_ratio(seconds, taken[_BARE])
        micro = statistics.median(seconds) / _COUNT * 1e6
        rows.append((name, f"{1e6 / micro:,.0f}", f"{1 / ratio:.2f}"))
        if name in _OURS:
            report.bars.append(Bar(f"{name}: µs per event (25,000 events a second)", micro, 40))
    first = next(iter(_OURS))
    report.bars.append(Bar(f"{first}: time beside bare nats-py", paired_ratio(taken[first], taken[_BARE]), 1.25))
    notes = [f"{_COUNT:,} events of an answer, {rounds} rounds; from the request to the last event"]
    report.tables.append(Table("nats: through a broker", ("reader", "events/s", "of bare"), rows, notes))
    return report
