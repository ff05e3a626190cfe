"""The shortest code above each network stack: all whole events of what was received are cut and validated at once.

It believes the server: every event is one line `data: ` and the stream never breaks.
"""

import importlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from benchmarks.kinds import KEPT_CONNECTIONS, MOST_CONNECTIONS, QUESTION, SECONDS, Ask, See

from .chunk_models import list_adapter

__all__ = ["cut", "raw_aiohttp", "raw_httpx", "raw_httpx_aiohttp"]


def cut(data: bytes) -> tuple[list[bytes], bytes]:
    """The JSON of the whole events in `data`, without `[DONE]`, and what is left over."""
    end = data.rfind(b"\n\n")
    if end < 0:
        return [], data
    frames = data[len(b"data: ") : end].split(b"\n\ndata: ")
    if frames[-1] == b"[DONE]":
        frames.pop()
    return frames, data[end + 2 :]


def _see_all(frames: list[bytes], see: See) -> int:
    for chunk in list_adapter().validate_json(b"[" + b",".join(frames) + b"]"):
        see(chunk)
    return len(frames)


async def _ask_httpx(client: httpx.AsyncClient, url: str, see: See) -> int:
    count, rest = 0, b""
    async with client.stream("POST", url, json=QUESTION) as response:
        async for piece in response.aiter_raw():
            frames, rest = cut(rest + piece if rest else piece)
            if frames:
                count += _see_all(frames, see)
    return count


def _limits() -> httpx.Limits:
    return httpx.Limits(max_connections=MOST_CONNECTIONS, max_keepalive_connections=KEPT_CONNECTIONS)


@asynccontextmanager
async def raw_httpx(url: str) -> AsyncGenerator[Ask]:
    """With httpx on its own stack: httpcore, h11, anyio."""
    async with httpx.AsyncClient(timeout=SECONDS, limits=_limits()) as client:
        yield lambda see: _ask_httpx(client, url, see)


@asynccontextmanager
async def raw_httpx_aiohttp(url: str) -> AsyncGenerator[Ask]:
    """With httpx, and aiohttp below it by httpx-aiohttp."""
    # By name: the type checkers run without the group "bench".
    module: Any = importlib.import_module("httpx_aiohttp")
    client: httpx.AsyncClient
    async with module.HttpxAiohttpClient(timeout=SECONDS, limits=_limits()) as client:
        yield lambda see: _ask_httpx(client, url, see)


@asynccontextmanager
async def raw_aiohttp(url: str) -> AsyncGenerator[Ask]:
    """With aiohttp alone."""
    import aiohttp  # noqa: PLC0415 - it takes long, and those that measure others must not have it in

    connector = aiohttp.TCPConnector(limit=MOST_CONNECTIONS)
    timeout = aiohttp.ClientTimeout(total=None, sock_read=SECONDS)
    async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:

        async def ask(see: See) -> int:
            count, rest = 0, b""
            async with session.post(url, json=QUESTION) as response:
                while piece := await response.content.readany():
                    frames, rest = cut(rest + piece if rest else piece)
                    if frames:
                        count += _see_all(frames, see)
            return count

        yield ask
