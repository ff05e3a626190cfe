"""How long a stream may be silent, and for whom that counts."""

import asyncio
import time

import pytest
from wire_server import CHAT, EVENT, STREAM, Request, chunk, client_of, wire_server

from kai_client import KaiTimeoutError

END = chunk(b'data: {"type":"finish"}\n\n') + b"0\r\n\r\n"


async def test_a_pause_of_the_reader_is_no_silence() -> None:
    """Who does not read for longer than `idle` finds all that came meanwhile, and may wait as long as ever for the rest."""

    async def answer(request: Request) -> None:
        await request.send(STREAM + chunk(EVENT))
        await paused.wait()
        await request.send(chunk(EVENT))
        await reading.wait()
        await request.send(END)

    paused, reading = asyncio.Event(), asyncio.Event()
    async with (
        wire_server(answer) as server,
        client_of(server.url, idle=0.4) as client,
        client.send_message(CHAT, "Hi") as stream,
    ):
        await anext(stream)
        await asyncio.sleep(1)
        paused.set()
        await anext(stream)
        await asyncio.sleep(1)
        reading.set()
        assert await stream.get_final_text() == "HiHi"


async def test_silence_after_pauses_is_noticed() -> None:
    """The watch goes on after pauses and pieces: silence ends in `timeout:idle`, neither early nor much too late."""

    async def answer(request: Request) -> None:
        await request.send(STREAM)
        for _ in range(8):
            await request.send(chunk(EVENT))
            await asyncio.sleep(0.05)

    async with wire_server(answer) as server, client_of(server.url, idle=0.5) as client:
        async with client.send_message(CHAT, "Hi") as stream:
            await anext(stream)
            await asyncio.sleep(0.6)
            for _ in range(7):
                await anext(stream)
            begun = time.monotonic()
            with pytest.raises(KaiTimeoutError) as caught:
                await anext(stream)
        assert caught.value.code == "timeout:idle"
        assert caught.value.partial_text == "Hi" * 8
        assert time.monotonic() - begun > 0.4


async def test_every_byte_is_a_sign_of_life() -> None:
    """Also those of a head and of the framing, which tell the reader nothing."""

    async def answer(request: Request) -> None:
        for byte in b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n":
            await request.send(bytes([byte]))
            await asyncio.sleep(0.02)
        for byte in chunk(EVENT).replace(b"\r\n", b";a=" + b"b" * 60 + b"\r\n", 1) + END:
            await request.send(bytes([byte]))
            await asyncio.sleep(0.02)

    async with wire_server(answer) as server, client_of(server.url, idle=0.6) as client:
        assert await client.send_message(CHAT, "Hi").get_final_text() == "Hi"


async def test_a_head_that_does_not_come() -> None:
    """`timeout:idle`, and the connection is closed."""

    async def answer(request: Request) -> None:
        await request.send(b"HTTP/1.1 200")

    async with wire_server(answer) as server, client_of(server.url, idle=0.05) as client:
        with pytest.raises(KaiTimeoutError) as caught:
            await client.get_usage()
        assert caught.value.code == "timeout:idle"
        await server.until_free()


@pytest.mark.parametrize("then", [b"", b"HTTP/1.1 20"], ids=["nothing", "half a line"])
async def test_an_informational_head_is_no_answer(then: bytes) -> None:
    """What comes after `100 Continue` has no longer to come than anything else."""

    async def answer(request: Request) -> None:
        await request.send(b"HTTP/1.1 100 Continue\r\n\r\n" + then)

    async with wire_server(answer) as server, client_of(server.url, idle=0.05) as client:
        with pytest.raises(KaiTimeoutError) as caught:
            await client.get_usage()
        assert caught.value.code == "timeout:idle"
