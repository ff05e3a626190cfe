"""Answers with a fault in them: what came before it counts."""

import pytest
from wire_server import CHAT, EVENT, STREAM, USAGE, WHOLE, Request, chunk, client_of, wire_server

from kai_client import KaiStreamError

FAULTS = {
    "nothing": b"",
    "half a chunk": b"5\r\nda",
    "no chunk": b"rubbish\r\n",
    "a chunk without its end": b"3\r\n: \nX",
}


@pytest.mark.parametrize("pieces", [1, 2], ids=["at once", "one after the other"])
@pytest.mark.parametrize("fault", FAULTS)
async def test_what_came_before_a_fault_is_read(fault: str, pieces: int) -> None:
    """Also where both are there at once: it breaks off with all that had arrived."""

    async def answer(request: Request) -> None:
        if pieces == 1:
            await request.send(STREAM + chunk(EVENT) + chunk(EVENT) + FAULTS[fault])
        else:
            await request.send(STREAM + chunk(EVENT))
            await request.send(chunk(EVENT) + FAULTS[fault])
        request.writer.close()

    async with wire_server(answer) as server, client_of(server.url) as client:
        stream = client.send_message(CHAT, "Hi")
        with pytest.raises(KaiStreamError) as caught:
            await stream.get_final_text()
    assert (caught.value.code, caught.value.partial_text) == ("stream:broken", "HiHi")


@pytest.mark.parametrize("fault", [name for name in FAULTS if name != "nothing"])
async def test_a_fault_after_the_end_is_nobodys_business(fault: str) -> None:
    """An answer that is over is whole, whatever comes after it, and its connection serves no other."""

    async def answer(request: Request) -> None:
        await request.send(STREAM + chunk(WHOLE) + FAULTS[fault])

    async with wire_server(answer) as server, client_of(server.url, grace=0.1) as client:
        for _ in range(2):
            assert await client.send_message(CHAT, "Hi").get_final_text() == "Hi"
    assert [request.connection for request in server.requests] == [1, 2]


async def test_a_length_beside_chunks() -> None:
    """As some gateways write it: the chunks count."""

    async def answer(request: Request) -> None:
        head = STREAM.replace(b"\r\n\r\n", b"\r\ncontent-length: 7\r\n\r\n")
        await request.send(head + chunk(WHOLE) + b"0\r\n\r\n")

    async with wire_server(answer) as server, client_of(server.url) as client:
        for _ in range(2):
            assert await client.send_message(CHAT, "Hi").get_final_text() == "Hi"
    assert server.connections == 1


async def test_an_answer_without_a_body_that_names_chunks() -> None:
    """It is over with its head, as some gateways send it: none of its chunks is waited for."""

    async def answer(request: Request) -> None:
        await request.send(b"HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n")

    async with wire_server(answer) as server, client_of(server.url, idle=0.5) as client:
        await client.delete_chat(CHAT)
        assert [event async for event in client.resume_stream(CHAT)] == []


async def test_a_long_answer_with_another_behind_it(stack: str) -> None:
    """On a connection that has carried much: what nobody asked for is not taken for the answer to the next request."""
    if stack == "httpx":
        pytest.skip("httpx does take it for that")

    async def answer(request: Request) -> None:
        padding = {1: 2_000_000, 2: 150_000}.get(len(server.requests), 0)
        body = USAGE.replace(b"{", b'{"padding": "%s", ' % (b"x" * padding), 1)
        head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
        unasked = b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n" if padding == 150_000 else b""
        await request.send(head + body + unasked)

    async with wire_server(answer) as server, client_of(server.url) as client:
        for _ in range(3):
            assert (await client.get_usage()).messages_used == 1
    assert [request.connection for request in server.requests] == [1, 1, 2]
