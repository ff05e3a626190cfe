"""What a hostile server can make the client hold: never more than about twice the limit that the error names."""

import gzip
import tracemalloc
from collections.abc import Awaitable, Callable

import pytest
from fault_methods import ONCE
from fault_server import TOKEN, Exchange, fault_server

from kai_client import KaiClient, KaiError, Limits

MIB = 2**20
LIMITS = Limits(event_bytes=4 * MIB, json_bytes=4 * MIB, error_bytes=MIB)


def _nested(layers: int, inner: bytes) -> bytes:
    for _ in range(layers):
        inner = gzip.compress(inner, 9)
    return inner


LINE = _nested(1, b"data: " + b"x" * 64 * MIB)
SPACE = {layers: _nested(layers, b" " * 64 * MIB) for layers in (1, 2)}


async def _endless(x: Exchange) -> None:
    await x.send(x.head() + b"data: [")
    await x.for_ever(b"x" * 65536)


async def _bomb(x: Exchange) -> None:
    body = LINE if "POST" in x.request else SPACE[1]
    await x.reply(body, extra="content-encoding: gzip\r\n")


async def _bomb_in_a_bomb(x: Exchange) -> None:
    await x.reply(SPACE[2], extra="content-encoding: gzip, gzip\r\n")


async def _refused(x: Exchange) -> None:
    await x.reply(SPACE[2], status="500 E", extra="content-encoding: gzip, gzip\r\n")


@pytest.mark.parametrize(
    ("serve", "stream"),
    [
        (_endless, True),
        (_endless, False),
        (_bomb, True),
        (_bomb, False),
        (_bomb_in_a_bomb, False),
        (_refused, True),
        (_refused, False),
    ],
)
async def test_memory_is_bounded(serve: Callable[[Exchange], Awaitable[None]], stream: bool) -> None:
    """64 MB on the wire or inside a few kilobytes: the peak stays under twice the limit of 4 MB, and some slack."""
    content_type = "text/event-stream" if stream else "application/json"
    async with (
        fault_server(serve, content_type=content_type) as server,
        KaiClient(TOKEN, "https://x.test", server.url, limits=LIMITS, retry=ONCE) as client,
    ):
        call = client.chat("Hi") if stream else client.get_usage()
        tracemalloc.start()
        try:
            with pytest.raises(KaiError) as caught:
                await call
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
    assert peak < 2 * 4 * MIB + 2 * MIB
    assert caught.value.status_code == 500 or str(4 * MIB) in caught.value.message
