"""Run by `start.py` in a fresh interpreter: `python -m benchmarks.first_event CLIENT URL` prints the seconds as JSON.

Only the client's own module is imported, before the clock starts; what is built or imported at the first use counts, the
validators of the events among it.
"""

import asyncio
import json
import sys
import time

from .clients import load


async def _timed(name: str, url: str) -> dict[str, float]:
    """From making the client, and from asking, to the first event."""
    client = load(name)
    first: list[float] = []

    def see(_: object) -> None:
        if not first:
            first.append(time.perf_counter())

    start = time.perf_counter()
    async with client.open(url) as ask:
        opened = time.perf_counter()
        await ask(see)
    return {"from_making": first[0] - start, "from_asking": first[0] - opened}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_timed(sys.argv[1], sys.argv[2]))))
