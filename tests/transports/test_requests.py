"""The bytes of a request: both network stacks send the same."""

import contextlib
import operator
import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from wire_server import CHAT, TOKEN, USAGE, Request, client_of, wire_server

from kai_client import KaiClient, KaiConnectionError, KaiError

HOSTILE = ["a/../b", "%2e%2e", "..%2f", "a?b=c#d", "ä ö", "a%20b", "\\..\\", "a;b,c:d@e&f=g+h", "~-._", "..."]
CALLS: dict[str, Callable[[KaiClient], Awaitable[Any]]] = {
    "GET": lambda client: client.get_usage(),
    "GET with a query": lambda client: client.get_history(limit=7),
    "POST of JSON": lambda client: client.submit_approval(CHAT, "ä&=", approved=True),
    "PATCH": lambda client: client.vote(CHAT, "m", "up"),
    "DELETE": lambda client: client.delete_chat(CHAT),
    "a stream": lambda client: client.send_message(CHAT, "Hi").get_final_text(),
    **{f"an id {name!r}": operator.methodcaller("get_chat", name) for name in HOSTILE},
}


async def _sent(call: Callable[[KaiClient], Awaitable[Any]], transport: Any) -> tuple[Any, ...]:
    """What is always the same in a request, to the byte."""

    async def answer(request: Request) -> None:
        if b"text/event-stream" in request.head:
            await request.stream()
        else:
            await request.reply(b"{}")

    async with wire_server(answer) as server:
        async with KaiClient(TOKEN, "https://connection.keboola.com", server.url, transport=transport) as client:
            with contextlib.suppress(KaiError):
                await call(client)
        (request,) = server.requests
        fields = [(name, value.replace(str(server.port).encode(), b"PORT")) for name, value in request.fields]
    return request.line, fields, re.sub(rb"[0-9a-f]{8}-[0-9a-f-]{27}", b"UUID", request.body)


@pytest.mark.parametrize("name", CALLS)
async def test_both_stacks_send_the_same(name: str, stack: str) -> None:
    """The same request line, the same headers with the same values, the same body; nothing added, nothing re-quoted."""
    assert await _sent(CALLS[name], stack) == await _sent(CALLS[name], "httpx")


@pytest.mark.parametrize("name", HOSTILE)
async def test_an_id_stays_one_segment(name: str) -> None:
    """Whatever is in it, it is the last part of the path, and nothing of it has become a step, a query or a fragment."""
    async with wire_server() as server, client_of(server.url) as client:
        await client.get_chat(name)
    (request,) = server.requests
    method, target, _ = request.line.split(b" ")
    assert (method, target.count(b"/")) == (b"GET", 3)
    assert not set(target) & set(b"?#")


async def test_a_large_message_arrives_whole() -> None:
    """Some megabytes, in order and without a warning, in one request of known length."""
    text = "".join(map(str, range(600_000)))
    async with wire_server() as server, client_of(server.url) as client:
        assert await client.send_message(CHAT, text).get_final_text() == "Hi"
    (request,) = server.requests
    assert text.encode() in request.body
    assert b"transfer-encoding" not in request.head.lower()


@pytest.mark.parametrize(("size", "good"), [(90_000, True), (300_000, False)])
async def test_large_heads(size: int, good: bool) -> None:
    """A header of ninety kilobytes is read; three hundred kilobytes are too much."""

    async def answer(request: Request) -> None:
        await request.reply(USAGE, extra=f"x-large: {'y' * size}\r\n")

    async with wire_server(answer) as server, client_of(server.url) as client:
        if good:
            assert (await client.get_usage()).messages_used == 1
        else:
            with pytest.raises(KaiConnectionError):
                await client.get_usage()
