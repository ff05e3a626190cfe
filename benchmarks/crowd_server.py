"""The server of many slow streams, a process of its own: all of them get an event in every round.

`POST /STREAMS/EVENTS/MILLISECONDS/...` is answered at once by a head, and by the first event when `STREAMS` such requests are
open. Then each gets an event every `MILLISECONDS`, and after `EVENTS` of them `[DONE]`.

Run by `loopback.py`; it prints its port and ends with its standard input.
"""

import asyncio
import contextlib
import sys
from collections import defaultdict

from . import events
from .http_request import HEAD, LAST_CHUNK, body_length, chunk, path_parts
from .open_files import allow_many

_open: dict[str, list[asyncio.StreamWriter]] = defaultdict(list)
"""The streams that wait for the others, by what was asked for."""
_groups: set[asyncio.Task[None]] = set()


async def _send_rounds(writers: list[asyncio.StreamWriter], count: int, seconds: float) -> None:
    """One event to each, again and again; a round that takes too long delays the next."""
    loop = asyncio.get_running_loop()
    pieces = [*map(chunk, events.frames(count)), chunk(events.DONE) + LAST_CHUNK]
    for piece in pieces:
        due = loop.time() + seconds
        for number, writer in enumerate(writers):
            writer.write(piece)
            if number % 100 == 0:
                await asyncio.sleep(0)
        await asyncio.sleep(max(0.0, due - loop.time()))


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(body_length(head))
            writer.write(HEAD)
            streams, count, milliseconds = path_parts(head)[:3]
            key = f"{streams}/{count}/{milliseconds}"
            _open[key].append(writer)
            if len(_open[key]) == int(streams):
                task = asyncio.create_task(_send_rounds(_open.pop(key), int(count), int(milliseconds) / 1e3))
                _groups.add(task)
                task.add_done_callback(_groups.discard)
    writer.close()


async def _main() -> None:
    """Serve until standard input ends."""
    allow_many()
    server = await asyncio.start_server(_serve, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


if __name__ == "__main__":
    asyncio.run(_main())
