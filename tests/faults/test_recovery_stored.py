"""Recovery from a chat whose stored answer is not ready: what is old, behind or still running is not taken for the rest."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from fault_server import Exchange, fault_server

from kai_client import ChatStream, KaiClient, KaiClosedError, KaiStreamError, RetryPolicy, Timeouts, approve_all

Message = dict[str, Any]
Store = Callable[[int, str], list[Message]]
"""What the chat holds when it is read the n-th time, given the id of the message that was sent."""

START = {"type": "start", "messageId": "m2"}
CALL = {"type": "tool-q", "toolCallId": "t1", "input": {"a": 1}}


def _delta(text: str) -> Message:
    return {"type": "text-delta", "id": "0", "delta": text}


def _user(message_id: str) -> Message:
    return {"id": message_id, "role": "user", "parts": [{"type": "text", "text": "x"}]}


def _answer(message_id: str, *parts: Message) -> Message:
    return {"id": message_id, "role": "assistant", "parts": list(parts)}


def _text(text: str) -> Message:
    return {"type": "text", "text": text}


@asynccontextmanager
async def _broken(store: Store, *chunks: Message) -> AsyncGenerator[KaiClient]:
    """A client of a backend whose streams break after `chunks`, and which cannot replay them."""
    reads, sent, is_broken = 0, "", False

    async def serve(x: Exchange) -> None:
        nonlocal reads, sent, is_broken
        head, _, body = x.request.partition("\r\n\r\n")
        line = head.partition("\r\n")[0]
        sent = json.loads(body)["message"]["id"] if line.startswith("POST") else sent
        if not is_broken and (line.startswith("POST") or "/stream" in line):
            is_broken = True
            data = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks).encode()
            await x.send(x.head(content_type="text/event-stream", length=99999) + data)
            x.end()
        elif "/stream" in line:
            await x.reply(b"{}", status="404 Not Found", content_type="application/json")
        else:
            reads += 1
            chat = {"id": "c", "messages": store(reads, sent)}
            await x.reply(json.dumps(chat).encode(), content_type="application/json")

    quick = RetryPolicy(wait_initial=0.01, wait_max=0.02, wait_jitter=0)
    patient = Timeouts(idle=20, total=20)
    async with (
        fault_server(serve) as server,
        KaiClient("some-token", "https://x.test", server.url, retry=quick, stream_timeout=patient) as client,
    ):
        yield client


async def _recovered(stream: ChatStream) -> str:
    """The final text of a stream that breaks first."""
    async with stream:
        with pytest.raises(KaiStreamError):
            await stream.get_final_text()
        await stream.recover()
        return await stream.get_final_text()


async def test_a_store_that_is_behind_catches_up() -> None:
    """What the chat holds less of than was delivered is asked for again, though it reads the same twice."""

    def store(read: int, sent: str) -> list[Message]:
        return [_user(sent), _answer("m2", _text("Hel" if read < 5 else "Hello world!"))]

    async with _broken(store, START, {"type": "text-start", "id": "0"}, _delta("Hello w")) as client:
        assert await client.send_message("c", "x", recover=True).get_final_text() == "Hello world!"


async def test_a_tool_that_runs_is_waited_for() -> None:
    """A stored call without an outcome is no whole answer."""
    available = {"type": "tool-input-available", "toolCallId": "t1", "toolName": "q", "input": {"a": 1}}
    done = _answer("m2", {**CALL, "state": "output-available", "output": 1}, _text("Done"))

    def store(read: int, sent: str) -> list[Message]:
        return [_user(sent), done if read > 4 else _answer("m2", {**CALL, "state": "input-available"})]

    async with _broken(store, START, available) as client:
        assert await client.send_message("c", "x", recover=True).get_final_text() == "Done"


async def test_an_approved_call_is_not_taken_for_its_request() -> None:
    """After a decision, a chat that still holds the request is from before it."""
    asked = {**CALL, "state": "approval-requested", "approval": {"id": "a1"}}
    ran = {**CALL, "state": "output-available", "output": 1, "approval": {"id": "a1", "approved": True}}

    def store(read: int, _: str) -> list[Message]:
        return [_user("u1"), _answer("m1", ran, _text("Done")) if read > 5 else _answer("m1", asked)]

    async with _broken(store) as client:
        assert await _recovered(client.run("c", approve=approve_all)) == "Done"


async def test_a_resumed_stream_is_not_the_answer_before() -> None:
    """A chat that ends with the user's message does not have the answer yet."""

    def store(read: int, _: str) -> list[Message]:
        chat = [_user("u1"), _answer("m1", _text("OLD")), _user("u2")]
        return [*chat, _answer("m2", _text("NEW"))] if read > 4 else chat

    async with _broken(store) as client:
        assert await _recovered(client.resume_stream("c")) == "NEW"


@pytest.mark.parametrize("what", ["client", "stream"])
async def test_closing_ends_a_recovery(what: str) -> None:
    """Closing the client or the stream while the chat is polled is a `KaiClosedError` for the reader, at once."""
    polled = asyncio.Event()

    def store(read: int, sent: str) -> list[Message]:
        if read > 2:
            polled.set()
        return [_user(sent)]

    async with _broken(store, START) as client:
        stream = client.send_message("c", "x", recover=True)
        reader = asyncio.create_task(stream.get_final_text())
        await polled.wait()
        await (client.close() if what == "client" else stream.aclose())
        with pytest.raises(KaiClosedError):
            await reader


async def test_a_closed_stream_does_not_recover() -> None:
    """Who has closed it has ended it."""
    async with _broken(lambda _, sent: [_user(sent)], START) as client:
        stream = client.send_message("c", "x")
        with pytest.raises(KaiStreamError):
            await stream.get_final_text()
        await stream.aclose()
        with pytest.raises(KaiClosedError):
            await stream.recover()


async def test_closing_ends_a_wait_for_another_attempt() -> None:
    """A client that waits for `Retry-After` notices that it is closed."""
    asked = asyncio.Event()

    async def serve(x: Exchange) -> None:
        await x.send(b"HTTP/1.1 503 Busy\r\nretry-after: 30\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
        asked.set()

    async with fault_server(serve) as server, KaiClient("some-token", "https://x.test", server.url) as client:
        call = asyncio.create_task(client.get_usage())
        await asked.wait()
        await asyncio.sleep(0.05)  # either side of the answer's arrival is fine: both end in the same error
        await client.close()
        with pytest.raises((KaiClosedError, KaiStreamError)):
            await call
