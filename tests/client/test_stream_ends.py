"""How a stream was left decides what its final answer is: half an answer is never handed out as whole."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from raw_sockets import chunk
from support import HEAD, WHOLE, Answer, body, hanging_up, raw_server, replying

from kai_client import KaiClient, KaiClosedError, KaiStreamError

CHAT = "6f0a8f0e-0000-4000-8000-000000000000"
HALF = b'data: {"type":"text-delta","id":"0","delta":"Hal"}\n\n'


@asynccontextmanager
async def served(answer: Answer) -> AsyncGenerator[KaiClient]:
    """A client of a raw server."""
    async with raw_server(answer) as server, KaiClient("some-token", "https://x.test", server.url) as client:
        yield client


async def test_a_stream_left_in_the_middle_has_no_final_text() -> None:
    """After its block was left early, `get_final_text` is a `KaiClosedError` that carries what had arrived."""
    async with served(replying(HEAD + chunk(HALF))) as client:
        async with client.send_message(CHAT, "Hi") as stream:
            await anext(stream)
        for final in (stream.get_final_text, stream.get_final_message):
            with pytest.raises(KaiClosedError) as caught:
                await final()
            assert caught.value.partial_text == "Hal"


async def test_a_whole_stream_keeps_its_final_text_after_the_block() -> None:
    """What was read to its end stays whole after it was closed."""
    async with served(replying(body(WHOLE))) as client:
        async with client.send_message(CHAT, "Hi") as stream:
            async for _ in stream:
                pass
        assert await stream.get_final_text() == "Hi"


async def test_a_broken_stream_stays_broken() -> None:
    """Asked again, it raises again; it does not hand out the half."""
    async with served(hanging_up(body(HALF))) as client:
        stream = client.send_message(CHAT, "Hi")
        for _ in range(2):
            with pytest.raises(KaiStreamError) as caught:
                await stream.get_final_text()
            assert caught.value.code == "stream:incomplete"


async def test_a_stream_that_was_closed_before_its_start_sends_nothing() -> None:
    """Entering it is a `KaiClosedError`, and so is its final text."""
    async with (
        raw_server(replying(body(WHOLE))) as server,
        KaiClient("some-token", "https://x.test", server.url) as client,
    ):
        stream = client.send_message(CHAT, "Hi")
        await stream.aclose()
        with pytest.raises(KaiClosedError):
            await stream.__aenter__()
        with pytest.raises(KaiClosedError):
            await stream.get_final_text()
    assert server.connections == 0


async def test_an_answer_that_finished_with_an_error_is_not_whole() -> None:
    """`finish` with the reason `error` and no error chunk is what kai-agent says when nobody decided (protocol 2.5)."""
    data = HALF + b'data: {"type":"finish","finishReason":"error"}\n\ndata: [DONE]\n\n'
    async with served(replying(body(data))) as client:
        with pytest.raises(KaiStreamError) as caught:
            await client.chat("Hi")
        assert (caught.value.code, caught.value.partial_text) == ("stream:finish_error", "Hal")


async def test_a_second_reader_does_not_stop_the_first() -> None:
    """Two tasks cannot wait for one stream: the second is told so, the first gets its answer."""
    go_on = asyncio.Event()

    async def answer(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + chunk(HALF))
        await writer.drain()
        await go_on.wait()
        writer.write(chunk(WHOLE) + b"0\r\n\r\n")
        await writer.drain()

    async with served(answer) as client:
        stream = client.send_message(CHAT, "Hi")
        await anext(stream)
        first = asyncio.create_task(stream.get_final_text())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError, match=r"another (task|thread)"):
            await stream.get_final_message()
        go_on.set()
        assert await first == "HalHi"


async def test_closing_the_client_ends_its_streams() -> None:
    """Whoever reads a stream of a client that is closed meanwhile gets a `KaiClosedError`, not a broken stream."""
    async with served(replying(HEAD + chunk(HALF))) as client:
        stream = client.send_message(CHAT, "Hi")
        await anext(stream)
        reader = asyncio.create_task(stream.get_final_text())
        await asyncio.sleep(0)
        await client.close()
        with pytest.raises(KaiClosedError):
            await reader


async def test_nothing_to_resume_may_be_said_with_a_comment() -> None:
    """A stream of comments alone is as empty as no stream (protocol 7.1)."""
    async with served(replying(body(b": stream-open\n\n"))) as client:
        assert [event async for event in client.resume_stream(CHAT)] == []
