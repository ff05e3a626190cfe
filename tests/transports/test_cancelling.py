"""Calls that are cancelled, wherever they are: no connection is left in use, and nobody hears of it."""

import asyncio
from collections.abc import Awaitable, Callable

import anyio
import pytest
from wire_server import CHAT, EVENT, STREAM, WHOLE, Request, chunk, client_of, wire_server

from kai_client import KaiClient

ROUNDS = 60
"""More than a call takes here."""


async def _answer(request: Request) -> None:
    if b"text/event-stream" in request.head:
        await request.send(STREAM + chunk(EVENT))
        await asyncio.sleep(0)
        await request.send(chunk(WHOLE) + b"0\r\n\r\n")
    else:
        await request.reply()


async def _ask(client: KaiClient) -> None:
    await client.get_usage()


async def _read(client: KaiClient) -> None:
    await client.send_message(CHAT, "Hi").get_final_text()


async def _leave(client: KaiClient) -> None:
    async with client.send_message(CHAT, "Hi") as stream:
        await anext(stream)


async def _cancel(call: Awaitable[None], rounds: int, times: int) -> None:
    task = asyncio.ensure_future(call)
    for _ in range(rounds):
        await asyncio.sleep(0)
    for _ in range(times):
        task.cancel()
        await asyncio.sleep(0)
    await asyncio.wait([task])
    assert task.cancelled() or task.exception() is None


async def _cancel_in_every_round(call: Awaitable[None], rounds: int) -> None:
    async def cancel() -> None:
        for _ in range(rounds):
            await asyncio.sleep(0)
        scope.cancel()

    scope = anyio.CancelScope()
    cancelling = asyncio.create_task(cancel())
    with scope:
        await call
    await cancelling


@pytest.mark.parametrize("how", ["once", "twice", "in every round"])
@pytest.mark.parametrize("call", [_ask, _read, _leave])
async def test_a_call_that_is_cancelled_in_any_round(
    call: Callable[[KaiClient], Awaitable[None]], how: str, stack: str
) -> None:
    """Once, again while it tidies up, or as anyio does it: afterwards the client has one connection, which is free."""
    if stack == "httpx":
        pytest.skip("httpx loses some")
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    async with wire_server(_answer) as server, client_of(server.url) as client:
        for rounds in range(ROUNDS):
            if how == "in every round":
                await _cancel_in_every_round(call(client), rounds)
            else:
                await _cancel(call(client), rounds, times=1 if how == "once" else 2)
            await client.get_usage()
            await server.until(lambda: server.open <= 1)
    assert heard == []
