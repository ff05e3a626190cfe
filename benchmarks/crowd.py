"""Run by `concurrency.py` in a fresh interpreter: `python -m benchmarks.crowd CLIENT URL STREAMS EVENTS MILLISECONDS`.

It holds that many streams open at once in one client, and prints as JSON what they took: memory once all are open, processor
time, how many got all their events, and the longest silence in any of them beyond the server's own pace.
"""

import asyncio
import dataclasses
import gc
import json
import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from .clients import load
from .kinds import Ask
from .measuring import spent
from .open_files import allow_many

_SAMPLING = 0.2


@dataclasses.dataclass
class _Crowd:
    """What is known of all streams, made before memory is measured."""

    streams: int
    events: int
    last: list[float] = dataclasses.field(default_factory=list[float])
    """When each had its last event."""
    begun: int = 0
    ended: int = 0
    silence: float = 0.0
    failures: list[str] = dataclasses.field(default_factory=list[str])
    samples: list[int] = dataclasses.field(default_factory=list[int])

    def seeing(self, number: int) -> Callable[[object], None]:
        """What the stream with this number calls for each event."""

        def see(_: object) -> None:
            now, before = time.perf_counter(), self.last[number]
            if before:
                self.silence = max(self.silence, now - before)
            else:
                self.begun += 1
            self.last[number] = now

        return see

    async def read(self, ask: Ask, number: int) -> None:
        """One stream to its end."""
        try:
            got = await ask(self.seeing(number))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is counted and shown
            self.failures.append(repr(error))
        else:
            if got != self.events:
                self.failures.append(f"{got} of {self.events} events")
        self.ended += 1

    async def sample(self) -> None:
        """Look at the memory while all streams are open."""
        while not self.ended:
            if self.begun == self.streams:
                self.samples.append(_memory())
            await asyncio.sleep(_SAMPLING)


def _memory() -> int:
    """Bytes of this process that are in memory."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * resource.getpagesize()


async def _crowd(name: str, base: str, streams: int, events: int, milliseconds: int) -> dict[str, object]:
    crowd = _Crowd(streams, events, last=[0.0] * streams)
    url = f"{base}/{streams}/{events}/{milliseconds}"
    client = load(name)
    # A first answer through a client of its own loads what is loaded once.
    async with client.open(f"{base}/1/{events}/1") as ask:
        await ask(lambda _: None)
    gc.collect()
    async with client.open(url) as ask:
        before, cost = _memory(), spent()
        start = time.perf_counter()
        sampling = asyncio.create_task(crowd.sample())
        await asyncio.gather(*(crowd.read(ask, number) for number in range(streams)))
        await sampling
        used = spent() - cost
    return {
        "bytes_per_stream": (statistics.median(crowd.samples) - before) / streams if crowd.samples else None,
        "user": used.user,
        "system": used.system,
        "seconds": time.perf_counter() - start,
        "complete": streams - len(crowd.failures),
        "failures": crowd.failures[:3],
        "silence": crowd.silence,
    }


if __name__ == "__main__":
    allow_many()
    print(json.dumps(asyncio.run(_crowd(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])))))
