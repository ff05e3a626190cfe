"""A reader that is slower than the server: what it has not read stays there."""

import asyncio

import pytest
from wire_server import CHAT, STREAM, Request, chunk, client_of, wire_server

PIECE = b": " + b"x" * 65_000 + b'\n\ndata: {"type":"text-delta","id":"0","delta":"Hi"}\n\n'
END = b'data: {"type":"finish"}\n\ndata: [DONE]\n\n'
COUNT = 1_000
MOST = 350
"""Pieces on the way: those that both systems keep, which may be 10 MB, and those that the client reads ahead."""
PLAIN = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"


@pytest.mark.parametrize("kind", ["chunks", "chunks with extensions", "to the end"])
async def test_what_is_not_read_stays_with_the_server(kind: str) -> None:
    """However long the answer, the client reads only so far ahead, however its body is written."""
    sent = 0

    def written(data: bytes) -> bytes:
        if kind == "to the end":
            return data
        return chunk(data) if kind == "chunks" else chunk(data).replace(b"\r\n", b";name=value\r\n", 1)

    async def answer(request: Request) -> None:
        nonlocal sent
        await request.send(PLAIN if kind == "to the end" else STREAM)
        for _ in range(COUNT):
            await request.send(written(PIECE))
            sent += 1
        await request.send(written(END) + (b"" if kind == "to the end" else b"0\r\n\r\n"))
        request.writer.close()

    async with wire_server(answer) as server, client_of(server.url) as client:
        read = farthest = 0
        async for event in client.send_message(CHAT, "Hi"):
            read += event.type == "text"
            for _ in range(10):
                await asyncio.sleep(0)
            farthest = max(farthest, sent - read)
    assert read == COUNT
    assert farthest < MOST
