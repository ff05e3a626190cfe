"""`ChatStream` over real sockets: what it yields, what it raises, and that it always gives its connection back."""

import asyncio
import gc
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from raw_sockets import RawServer, chunk
from support import HEAD, WHOLE, Answer, body, hanging_up, raw_server, replying

from kai_client import (
    ChatStream,
    FinishEvent,
    KaiClient,
    KaiConnectionError,
    KaiError,
    KaiNotFoundError,
    KaiRateLimitError,
    KaiStreamError,
    KaiTimeoutError,
    TextEvent,
    UsageEvent,
)

TOKEN = "secret-token-123"
CHAT = "6f0a8f0e-0000-4000-8000-000000000000"
HALF = b'data: {"type":"text-delta","id":"0","delta":"Hal"}\n\n'


@asynccontextmanager
async def served(answer: Answer, stream_timeout: float = 60) -> AsyncGenerator[tuple[RawServer, KaiClient]]:
    """A raw server and a client of it."""
    async with (
        raw_server(answer) as server,
        KaiClient(TOKEN, "https://x.test", server.url, stream_timeout=stream_timeout) as client,
    ):
        yield server, client


async def test_plain_iteration_yields_typed_events() -> None:
    """`async for event in client.send_message(...)` needs nothing else."""
    async with served(replying(body(WHOLE))) as (_, client):
        events = [event async for event in client.send_message(CHAT, "Hi")]
    assert [type(event) for event in events[1:]] == [FinishEvent]
    assert isinstance(events[0], TextEvent)
    assert events[0].text == "Hi"


async def test_text_stream_and_final_text() -> None:
    """`text_stream` yields the text alone; `get_final_text` returns what it has read by then and the rest."""
    async with served(replying(body(WHOLE))) as (_, client), client.send_message(CHAT, "Hi") as stream:
        assert [text async for text in stream.text_stream] == ["Hi"]
        assert await stream.get_final_text() == "Hi"
        assert (await stream.get_final_message()).text == "Hi"


async def test_updates_yield_the_message_after_every_change() -> None:
    """`updates()` yields a snapshot per change, as the SDK's own reader does: five for the vector G1 (protocol 5.8)."""
    chunks = [
        {"type": "start", "messageId": "m1"},
        {"type": "start-step"},
        {"type": "text-start", "id": "0"},
        {"type": "text-delta", "id": "0", "delta": "He"},
        {"type": "text-delta", "id": "0", "delta": "llo"},
        {"type": "text-end", "id": "0"},
        {"type": "finish-step"},
        {"type": "finish", "finishReason": "stop"},
    ]
    data = "".join(f"data: {json.dumps(each)}\n\n" for each in chunks).encode()
    async with served(replying(body(data))) as (_, client), client.send_message(CHAT, "Hi") as stream:
        messages = [message async for message in stream.updates()]
        assert [message.text for message in messages] == ["", "", "He", "Hello", "Hello"]
        assert messages[-1] == stream.message
        assert stream.message.to_dict() == {
            "id": "m1",
            "role": "assistant",
            "parts": [{"type": "step-start"}, {"type": "text", "text": "Hello", "state": "done"}],
        }


async def test_usage_after_finish_is_read() -> None:
    """What comes after `finish` and even after `[DONE]` is still part of the stream (protocol 4.2)."""
    late = b'data: {"type":"data-usage","data":{"promptTokens":3,"completionTokens":4}}\n\n'
    async with served(replying(body(WHOLE + late))) as (_, client):
        stream = client.send_message(CHAT, "Hi")
        assert isinstance([event async for event in stream][-1], UsageEvent)
        assert stream.usage.total_tokens == 7


@pytest.mark.parametrize("way", ["break", "exception", "cancel", "aclose", "garbage", "block", "text", "anext"])
async def test_leaving_a_stream_frees_its_connection(way: str) -> None:
    """However a stream is left in the middle, its connection ends."""
    async with served(replying(HEAD + chunk(HALF))) as (server, client):
        await asyncio.wait_for(_leave(client.send_message(CHAT, "Hi"), way), 20)
        gc.collect()
        await asyncio.wait_for(server.until_free(), 20)


async def _leave(stream: ChatStream, way: str) -> None:
    match way:
        case "break" | "garbage":
            async for _ in stream:
                break
        case "exception":
            with pytest.raises(ZeroDivisionError):
                await _raising(stream)
        case "cancel":
            await _cancelled(stream)
        case "aclose":
            await anext(stream)
            await stream.aclose()
            await stream.aclose()
        case "block":
            async with stream:
                pass
        case "text":
            async for _ in stream.text_stream:
                break
        case _:
            await anext(stream)


async def _raising(stream: ChatStream) -> None:
    async for _ in stream:
        raise ZeroDivisionError


async def _cancelled(stream: ChatStream) -> None:
    async def read() -> None:
        async for _ in stream:
            reading.set()

    reading = asyncio.Event()
    task = asyncio.create_task(read())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_block_can_go_on_after_a_break() -> None:
    """Within `async with`, leaving the loop keeps the stream open until the block ends."""
    async with served(replying(body(WHOLE))) as (_, client), client.send_message(CHAT, "Hi") as stream:
        async for event in stream:
            assert isinstance(event, TextEvent)
            break
        assert [type(event) async for event in stream] == [FinishEvent]


async def test_nothing_is_sent_before_the_first_use() -> None:
    """A stream that is never used costs no request."""
    async with served(replying(body(WHOLE))) as (server, client):
        stream = client.send_message(CHAT, "Hi")
        await stream.aclose()
        assert [event async for event in stream] == []
    assert server.connections == 0


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(body(HALF), "stream:incomplete", id="ends without a terminal event"),
        pytest.param(body(b""), "stream:incomplete", id="empty"),
        pytest.param(body(HALF + b'data: {"type":"tex'), "stream:incomplete", id="torn event"),
        pytest.param(HEAD + chunk(HALF), "stream:broken", id="connection lost"),
        pytest.param(body(HALF + b"data: {nope\n\n"), "stream:malformed", id="invalid JSON"),
        pytest.param(body(HALF + b"data: 17\n\n"), "stream:malformed", id="no object"),
        pytest.param(body(HALF + b'data: {"type":"text-delta"}\n\n'), "stream:malformed", id="no delta"),
    ],
)
async def test_a_broken_stream_raises_with_what_had_arrived(data: bytes, code: str) -> None:
    """Half an answer is never sold as whole: the events come, then a `KaiStreamError` that carries the partial text."""
    async with served(hanging_up(data)) as (_, client):
        stream = client.send_message(CHAT, "Hi")
        texts: list[str] = []
        with pytest.raises(KaiStreamError) as caught:
            texts.extend([event.text async for event in stream if isinstance(event, TextEvent)])
    assert caught.value.code == code
    expected = "Hal" if HALF in data else ""
    assert caught.value.partial_text == expected
    assert caught.value.partial_message is not None
    assert caught.value.partial_message.text == expected


@pytest.mark.parametrize(
    ("tail", "kind", "message"),
    [
        pytest.param({"type": "error", "errorText": "Boom"}, KaiStreamError, "Boom", id="error chunk"),
        pytest.param({"type": "error", "message": "Old"}, KaiStreamError, "Old", id="legacy error chunk"),
        pytest.param(
            {"type": "error", "message": "Quota", "code": "rate_limit:chat"}, KaiRateLimitError, "Quota", id="coded"
        ),
        pytest.param({"type": "abort", "reason": "stop"}, KaiStreamError, "aborted", id="abort"),
    ],
)
async def test_chat_raises_for_an_answer_that_failed(tail: dict[str, str], kind: type[KaiError], message: str) -> None:
    """`chat()` raises for an error chunk and an abort, and the exception has the text that had arrived."""
    data = HALF + f"data: {json.dumps(tail)}\n\ndata: [DONE]\n\n".encode()
    async with served(replying(body(data))) as (_, client):
        with pytest.raises(kind, match=message) as caught:
            await client.chat("Hi")
        assert caught.value.partial_text == "Hal"
        events = [event.type async for event in client.send_message(CHAT, "Hi")]
        assert events == ["text", tail["type"]]


@pytest.mark.parametrize("kind", ["text/html", "application/json; charset=utf-8", "application/problem+json"])
async def test_a_page_in_the_place_of_a_stream_is_an_error(kind: str) -> None:
    """A 200 with HTML or JSON is no answer, not an empty one."""
    async with served(replying(body(b"<html>Sign in</html>", content_type=kind))) as (_, client):
        with pytest.raises(KaiStreamError, match=kind.partition(";")[0].replace("+", r"\+")):
            await client.chat("Hi")


async def test_a_missing_content_type_is_fine() -> None:
    """The AI SDK v5 template sends none (protocol 4.1)."""
    async with served(replying(body(WHOLE, content_type=None))) as (_, client):
        assert (await client.chat("Hi"))[1] == "Hi"


@pytest.mark.parametrize(
    ("data", "kind", "code"),
    [
        (
            body(b'{"code":"rate_limit:chat","message":"m"}', "429 X", "application/json"),
            KaiRateLimitError,
            "rate_limit:chat",
        ),
        (body(b"<html>\nBad gateway</html>", "502 Bad Gateway", "text/html"), KaiError, "http:502"),
        (body(b"", "302 Found", None, "location: https://evil.test/\r\n"), KaiError, "http:302"),
        (body(b"", "204 No Content", None), KaiStreamError, "stream:no_answer"),
    ],
    ids=["429", "502", "302", "204"],
)
async def test_a_refused_request_raises_when_the_block_is_entered(data: bytes, kind: type[KaiError], code: str) -> None:
    """`async with` waits for the head: an error answer raises there, with its status, before any event."""
    async with served(hanging_up(data)) as (_, client):
        with pytest.raises(kind) as caught:
            async with client.send_message(CHAT, "Hi"):
                pytest.fail("entered")
    assert caught.value.code == code


async def test_silence_is_a_timeout() -> None:
    """A server that says nothing is a `KaiTimeoutError` after `stream_timeout` seconds, not a hang."""
    async with served(replying(HEAD + chunk(HALF)), stream_timeout=0.2) as (_, client):
        with pytest.raises(KaiTimeoutError) as caught:
            await client.chat("Hi")
    assert caught.value.partial_text == "Hal"


async def test_silence_after_the_end_is_no_error() -> None:
    """An answer that was declared over is whole, however its connection ends."""
    async with served(replying(HEAD + chunk(WHOLE)), stream_timeout=0.2) as (_, client):
        assert (await client.chat("Hi"))[1] == "Hi"


async def test_resume_of_nothing_is_an_empty_stream() -> None:
    """204 says that there is nothing to resume, and so does an empty 200 of the v5 template (protocol 7.1)."""
    for data in (body(b"", "204 No Content", None), body(b"", content_type=None)):
        async with served(hanging_up(data)) as (_, client):
            stream = client.resume_stream(CHAT)
            assert [event async for event in stream] == []
            assert await stream.get_final_text() == ""


async def test_resume_on_kai_agent_is_not_found() -> None:
    """kai-agent has no such route: its nested 404 is a `KaiNotFoundError`."""
    data = body(
        b'{"error":{"type":"not_found","surface":"api","message":"No route"}}', "404 Not Found", "application/json"
    )
    async with served(replying(data)) as (_, client):
        with pytest.raises(KaiNotFoundError, match="No route"):
            await anext(client.resume_stream(CHAT))


async def test_no_server_is_a_connection_error() -> None:
    """Where nothing listens, the error says so and chains its cause."""
    async with raw_server(replying(b"")) as server:
        url = server.url
    async with KaiClient(TOKEN, "https://x.test", url) as client:
        with pytest.raises(KaiConnectionError) as caught:
            await client.chat("Hi")
    assert caught.value.__cause__ is not None


async def test_hundreds_of_streams_are_open_at_once() -> None:
    """One client holds 300 open streams; each gets its own answer."""
    release = asyncio.Event()
    waiting = 0

    async def answer(writer: asyncio.StreamWriter) -> None:
        nonlocal waiting
        waiting += 1
        if waiting == 300:
            release.set()
        await release.wait()
        writer.write(body(WHOLE))
        await writer.drain()

    async with served(answer) as (_, client):
        answers = await asyncio.gather(*(client.chat("Hi") for _ in range(300)))
    assert {text for _, text in answers} == {"Hi"}
    assert len({chat_id for chat_id, _ in answers}) == 300
