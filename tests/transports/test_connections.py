"""Connections: when a request is sent again and when not, who gets one, and that none is left over."""

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import pytest
from wire_server import CHAT, EVENT, ONCE, STREAM, TOKEN, USAGE, Request, chunk, client_of, usage, wire_server

from kai_client import (
    KaiClient,
    KaiClosedError,
    KaiConnectionError,
    KaiTimeoutError,
    Limits,
    RetryPolicy,
    Timeouts,
)

EAGER = RetryPolicy(attempts=3, wait_initial=0.001, wait_max=0.001, wait_jitter=0)
GREETING = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


def _post(client: KaiClient) -> Awaitable[Any]:
    return client.submit_approval(CHAT, "c1", approved=True)


async def _hang_up(request: Request) -> None:
    request.writer.close()


async def _reset(request: Request) -> None:
    request.writer.transport.abort()


@pytest.mark.parametrize("end", [_hang_up, _reset], ids=["closed", "reset"])
@pytest.mark.parametrize("kept", [False, True], ids=["new", "kept"])
async def test_a_post_is_never_sent_twice(end: Callable[[Request], Awaitable[None]], kept: bool) -> None:
    """A connection that ends before the head, a new one or one that was used before: the POST may have been obeyed."""

    async def answer(request: Request) -> None:
        await (usage if request.line.startswith(b"GET") else end)(request)

    async with wire_server(answer) as server, client_of(server.url, retry=EAGER) as client:
        if kept:
            await client.get_usage()
        with pytest.raises(KaiConnectionError) as caught:
            await _post(client)
        assert caught.value.code == "connection:lost"
    assert [request.line[:4] for request in server.requests] == [b"GET "] * kept + [b"POST"]
    assert server.connections == 1


async def test_an_address_needs_no_look_up() -> None:
    """Only for a name is the system asked, which takes a thread."""
    before = set(threading.enumerate())  # others may end meanwhile
    async with wire_server(usage) as server, client_of(server.url) as client:
        await client.get_usage()
        assert set(threading.enumerate()) <= before
        async with client_of(server.url.replace("127.0.0.1", "localhost")) as other:
            await other.get_usage()
        assert set(threading.enumerate()) - before


async def test_nobody_there() -> None:
    """The error names the address that was asked, for it may be the wrong one."""
    async with client_of("http://127.0.0.1:9", retry=RetryPolicy(attempts=1)) as client:
        with pytest.raises(KaiConnectionError, match=r"for http://127\.0\.0\.1:9: ") as caught:
            await client.get_usage()
    assert caught.value.code == "connection:failed"


async def test_a_get_is_sent_as_often_as_the_policy_says() -> None:
    """Nobody below us repeats it on his own."""
    async with wire_server(_hang_up) as server, client_of(server.url, retry=EAGER) as client:
        with pytest.raises(KaiConnectionError):
            await client.get_usage()
    assert len(server.requests) == EAGER.attempts


async def test_connections_are_kept() -> None:
    """One after the other, requests share a connection, streams among them."""
    async with wire_server() as server, client_of(server.url) as client:
        for _ in range(3):
            await client.get_usage()
            await client.chat("Hi")
    assert [request.connection for request in server.requests] == [1] * 6


@pytest.mark.parametrize("last_words", [b"", GREETING, b"\0"], ids=["closed", "408", "rubbish"])
async def test_a_kept_connection_that_has_ended(last_words: bytes) -> None:
    """What the server closed while nobody used it, and what it said then, is no answer: the POST goes on a new one."""

    async def answer(request: Request) -> None:
        await request.reply()
        if request.connection == 1:
            request.writer.write(last_words)
            request.writer.close()

    async with wire_server(answer) as server, client_of(server.url) as client:
        await client.get_usage()
        await server.until_free()
        await _post(client)
    assert [request.connection for request in server.requests] == [1, 2]


async def test_a_kept_connection_that_has_spoken_out_of_turn(stack: str) -> None:
    """An answer to no request is not taken for the answer to the next one, though the connection is open."""
    if stack == "httpx":
        pytest.skip("httpx does take it for that")

    async def answer(request: Request) -> None:
        await request.reply()
        if request.connection == 1:
            await request.send(b"HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n")
            said.set()

    said = asyncio.Event()
    async with wire_server(answer) as server, client_of(server.url) as client:
        await client.get_usage()
        await said.wait()
        await client.get_usage()
    assert [request.connection for request in server.requests] == [1, 2]


async def test_a_connection_that_ends_at_the_last_moment() -> None:
    """The server's end has come, but the event loop has not seen it yet: no POST is lost on such a connection."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        loop = asyncio.get_running_loop()
        answering = loop.run_in_executor(None, _answer_and_close, listening)
        async with client_of(f"http://127.0.0.1:{listening.getsockname()[1]}") as client:
            await client.get_usage()
            first, second = await answering, loop.run_in_executor(None, _answer_and_close, listening)
            first.close()  # and at once, before anything else happens:
            await _post(client)
            (await second).close()


def _answer_and_close(listening: socket.socket) -> socket.socket:
    connection, _ = listening.accept()
    connection.settimeout(20)
    data = b""
    while b"\r\n\r\n" not in data or (data.startswith(b"POST") and not data.endswith(b"}")):
        data += connection.recv(65536)
    connection.sendall(f"HTTP/1.1 200 OK\r\ncontent-length: {len(USAGE)}\r\n\r\n".encode() + USAGE)
    return connection


async def test_leaving_a_stream_closes_its_connection() -> None:
    """At once, and not into the pool: what was not read would be the next answer."""

    async def answer(request: Request) -> None:
        if request.connection == 1:
            await request.send(STREAM + chunk(EVENT))
        else:
            await usage(request)

    async with wire_server(answer) as server, client_of(server.url) as client:
        async with client.send_message(CHAT, "Hi") as stream:
            await anext(stream)
        await server.until_free()
        await client.get_usage()
    assert server.connections == 2


async def test_a_free_connection_is_waited_for() -> None:
    """Only so many at once: the next waits as long as it may, and gets the connection that another gives back."""

    async def answer(request: Request) -> None:
        if b"text/event-stream" in request.head:
            await request.send(STREAM + chunk(EVENT))
        else:
            await usage(request)

    waits = Timeouts(pool=0.05)
    patient = Timeouts(pool=20)
    async with (
        wire_server(answer) as server,
        KaiClient(TOKEN, "https://x.test", server.url, waits, limits=Limits(connections=1), retry=ONCE) as client,
    ):
        async with client.send_message(CHAT, "Hi") as stream:
            await anext(stream)
            with pytest.raises(KaiTimeoutError) as caught:
                await client.get_usage()
            assert caught.value.code == "timeout:pool"
            waiting = asyncio.create_task(client.with_options(timeout=patient).get_usage())
            await asyncio.sleep(0)
        assert (await waiting).messages_used == 1
    assert len(server.requests) == 2


async def test_no_connection_in_time() -> None:
    """A server that accepts, but does not answer the greeting of TLS, is `timeout:connect`; nothing was sent."""
    async with wire_server() as server, client_of(f"https://127.0.0.1:{server.port}", connect=0.05) as client:
        with pytest.raises(KaiTimeoutError) as caught:
            await _post(client)
        assert caught.value.code == "timeout:connect"
    assert server.requests == []


async def test_how_long_a_connection_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """As long as the caller says: asyncio's own bound for TLS, a minute else, is none here."""
    monkeypatch.setattr("asyncio.constants.SSL_HANDSHAKE_TIMEOUT", 0.01)
    async with wire_server() as server, client_of(f"https://127.0.0.1:{server.port}", connect=0.1) as client:
        with pytest.raises(KaiTimeoutError) as caught:
            await _post(client)
        assert caught.value.code == "timeout:connect"


async def test_a_request_that_nobody_reads() -> None:
    """A body that the server does not take in is `timeout:write`, not a call that hangs."""

    async def deaf(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.transport.abort()

    over = asyncio.Event()
    server = await asyncio.start_server(deaf, "127.0.0.1", 0, limit=1)
    async with server, client_of(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", idle=0.3) as client:
        with pytest.raises(KaiTimeoutError) as caught:
            await client.send_message(CHAT, "x" * 50_000_000).get_final_text()
        assert caught.value.code == "timeout:write"
        over.set()


async def _never(request: Request) -> None:
    """Say nothing."""


async def _begin(request: Request) -> None:
    await request.send(STREAM + chunk(EVENT))


@pytest.mark.parametrize("answer", [_never, _begin], ids=["head", "body"])
async def test_closing_the_client_ends_what_waits(answer: Callable[[Request], Awaitable[None]]) -> None:
    """For a head, or for more of a body: it waits no longer, and is told so."""
    async with wire_server(answer) as server:
        client = client_of(server.url, retry=EAGER)
        stream = client.send_message(CHAT, "Hi")
        if answer is _begin:
            await anext(stream)
        call = asyncio.create_task(stream.get_final_text())
        await server.until(lambda: len(server.requests) == 1)
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(KaiClosedError):
            await call


async def test_closing_the_client_while_somebody_waits_for_a_connection() -> None:
    """It is told so, and waits no longer than for a connection."""
    async with wire_server(_begin) as server:
        waits = Timeouts(pool=0.2)
        client = KaiClient(TOKEN, "https://x.test", server.url, waits, limits=Limits(connections=1), retry=ONCE)
        stream = client.send_message(CHAT, "Hi")
        await anext(stream)
        call = asyncio.create_task(client.get_usage())
        for _ in range(10):
            await asyncio.sleep(0)
        await client.close()
        with pytest.raises(KaiClosedError):
            await call


@pytest.mark.parametrize("answer", [_never, _begin], ids=["head", "body"])
async def test_a_cancelled_call_leaves_no_connection(answer: Callable[[Request], Awaitable[None]]) -> None:
    """Cancelled while it waits for the head, or for more of the body: the server is rid of it at once."""

    async def read() -> None:
        async with aclosing(client.send_message(CHAT, "Hi")) as stream:
            async for _ in stream:
                reading.set()

    reading = asyncio.Event()
    async with wire_server(answer) as server, client_of(server.url) as client:
        tasks = asyncio.all_tasks()
        call = asyncio.create_task(read())
        await (reading.wait() if answer is _begin else server.until(lambda: bool(server.requests)))
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await server.until_free()
        assert {task for task in asyncio.all_tasks() - tasks if "connected" not in repr(task)} == set()


async def test_a_call_that_is_cancelled_while_it_connects() -> None:
    """In the middle of TLS: no connection is left."""
    async with wire_server() as server, client_of(f"https://127.0.0.1:{server.port}") as client:
        call = asyncio.create_task(client.ping())
        await server.until(lambda: server.open == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        await server.until_free()


async def test_a_call_that_is_cancelled_while_it_waits_for_a_connection() -> None:
    """It takes none with it: the next one gets it."""
    async with (
        wire_server(lambda request: _begin(request) if request.connection == 1 else usage(request)) as server,
        KaiClient(TOKEN, "https://x.test", server.url, limits=Limits(connections=1), retry=ONCE) as client,
    ):
        async with client.send_message(CHAT, "Hi") as stream:
            await anext(stream)
            call = asyncio.create_task(client.get_usage())
            for _ in range(10):
                await asyncio.sleep(0)
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
        assert (await client.get_usage()).messages_used == 1


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.0.0.1", "localhost", "[::1]"])
async def test_ways_to_name_this_machine(host: str) -> None:
    """What the system knows as an address is one, and the server is told the name that the caller gave."""
    async with (
        wire_server(host="::1" if host == "[::1]" else "127.0.0.1") as server,
        client_of(f"http://{host}:{server.port}") as client,
    ):
        await client.get_usage()
    (request,) = server.requests
    assert dict(request.fields)[b"host"] == f"{host}:{server.port}".encode()
