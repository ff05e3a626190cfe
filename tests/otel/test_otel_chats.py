"""A chat is one span, however it ends, and three measurements."""

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from emitted import Emitted
from raw_sockets import RawServer, chunk, listening, read_request

from kai_client import ChatStream, KaiClient, KaiClosedError, KaiError, RetryPolicy, Timeouts
from kai_client.server import call, fail, pause, say, usage
from kai_client.testing.local import KaiServer

QUICK = RetryPolicy(attempts=3, wait_initial=1e-6, wait_max=1e-6, wait_jitter=0)


def client_of(server: KaiServer, **options: Any) -> KaiClient:
    """A client that needs no discovery, whose requests would be spans, too."""
    return KaiClient("some-token", server.url, server.url, **options)


async def test_a_whole_answer_is_a_span_with_the_attributes_of_the_convention(
    emitted: Emitted, kai_server: KaiServer
) -> None:
    """Who was asked, for what, when the first event came, what it cost, which tools were called, and how it ended."""
    kai_server.kai.reply(call("get_tables", {"bucket": "b"}, ["t"], id="c1"), say("One."), usage(11, 7))
    async with client_of(kai_server) as kai:
        chat_id = kai.new_chat_id()
        message = await kai.send_message(chat_id, "Which tables?").get_final_message()
    span = emitted.one("chat")
    first_event = span.attributes["gen_ai.response.time_to_first_chunk"]
    assert 0 < first_event < span.seconds
    assert (span.name, span.kind, span.parent, span.failed) == ("chat chat-model", "CLIENT", None, False)
    address, port = kai_server.url.removeprefix("http://").split(":")
    labels = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "keboola",
        "gen_ai.request.model": "chat-model",
        "server.address": address,
        "server.port": int(port),
    }
    assert span.attributes == {
        **labels,
        "gen_ai.request.stream": True,
        "gen_ai.conversation.id": chat_id,
        "gen_ai.response.id": message.id,
        "gen_ai.response.time_to_first_chunk": first_event,
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "kai.outcome": "complete",
    }
    assert span.events == [
        (
            "kai.tool_call",
            {"gen_ai.tool.name": "get_tables", "gen_ai.tool.call.id": "c1", "kai.tool.state": "output-available"},
        )
    ]
    (duration,) = emitted.points("gen_ai.client.operation.duration")
    assert (duration.count, duration.attributes) == (1, labels)
    (first,) = emitted.points("gen_ai.client.operation.time_to_first_chunk")
    assert (first.sum, first.attributes) == (first_event, labels)
    tokens = {point.attributes["gen_ai.token.type"]: point.sum for point in emitted.points("gen_ai.client.token.usage")}
    assert tokens == {"input": 11, "output": 7}


async def test_a_stream_that_is_never_opened_has_no_span(emitted: Emitted, kai_server: KaiServer) -> None:
    """What was not asked did not happen."""
    async with client_of(kai_server) as kai:
        kai.send_message(kai.new_chat_id(), "Hi")
    gc.collect()
    assert emitted.spans == []


async def _left(stream: ChatStream) -> None:
    async for _ in stream:
        break


async def _left_by_an_exception(stream: ChatStream) -> None:
    with contextlib.suppress(ZeroDivisionError):
        async with stream:
            async for _ in stream:
                raise ZeroDivisionError("the words of the user")


async def _closed_by_another(stream: ChatStream) -> None:
    async with stream:
        await anext(stream)
        reading = asyncio.create_task(_all(stream))
        await asyncio.sleep(0.01)
        await stream.aclose()
        with contextlib.suppress(KaiError):
            await reading


async def _all(stream: ChatStream) -> None:
    async for _ in stream:
        pass


async def _read(stream: ChatStream) -> None:
    await stream.get_final_text()


async def _entered_and_read(stream: ChatStream) -> None:
    async with stream:
        await stream.get_final_text()


async def _entered_and_left(stream: ChatStream) -> None:
    async with stream:
        pass


async def _entered_until_refused(stream: ChatStream) -> None:
    while True:  # until another one waits
        await asyncio.sleep(0.01)
        await stream.__aenter__()


@pytest.mark.parametrize("leave", [_left, _left_by_an_exception, _closed_by_another, _entered_and_left])
async def test_an_answer_that_is_left_is_closed_and_has_not_failed(
    emitted: Emitted, kai_server: KaiServer, leave: Callable[[ChatStream], Awaitable[None]]
) -> None:
    """`break`, an exception of the user's, a close from elsewhere: the span ends there, once, and blames nobody."""
    kai_server.kai.reply(say("One."), pause(20), say("Two."))
    async with client_of(kai_server) as kai:
        await leave(kai.send_message(kai.new_chat_id(), "Hi"))
        while not emitted.spans:  # noqa: ASYNC110 - after a `break` the event loop closes the stream, and tells nobody
            await asyncio.sleep(0)
    span = emitted.one("chat")
    assert (span["kai.outcome"], span.failed, span["error.type"]) == ("closed", False, None)
    assert len(emitted.spans) == 1
    (duration,) = emitted.points("gen_ai.client.operation.duration")
    assert "error.type" not in duration.attributes


async def test_a_task_that_is_cancelled_ends_its_span(
    emitted: Emitted, kai_server: KaiServer, stack: str | None
) -> None:
    """As cancelled, which is no failure either; a thread cannot be cancelled, its stream is closed."""
    kai_server.kai.reply(say("One."), pause(20))
    async with client_of(kai_server) as kai:
        stream = kai.send_message(kai.new_chat_id(), "Hi")
        await anext(stream)
        reading = asyncio.create_task(_all(stream))
        await asyncio.sleep(0.05)
        reading.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reading
        span = emitted.one("chat")
    assert (span["kai.outcome"], span.failed) == ("closed" if stack == "sync" else "cancelled", False)


async def test_a_stream_that_was_dropped_ends_with_the_next_span(emitted: Emitted, kai_server: KaiServer) -> None:
    """Whoever takes an event and forgets the rest has a span all the same, that ends when it was forgotten."""
    kai_server.kai.reply(say("One."), say("Two."))
    async with client_of(kai_server) as kai:
        stream = kai.send_message(kai.new_chat_id(), "Hi")
        await anext(stream)
        ended = emitted.spans
        del stream
        gc.collect()
        await kai.ping()
    assert ended == []
    assert emitted.one("chat")["kai.outcome"] == "dropped"


def _refused(server: KaiServer) -> None:
    server.kai.reply(fail("Words of the server", status=403))


def _error_chunk(server: KaiServer) -> None:
    server.kai.reply(say("One."), fail("Words of the server"))


def _broken(server: KaiServer) -> None:
    server.kai.reply(say("One."))
    server.next_stream(drop_after=4)


def _late(server: KaiServer) -> None:
    server.kai.reply(say("One."), pause(20))


FAILURES = [
    (_refused, "forbidden:chat", "KaiForbiddenError"),
    (_error_chunk, "stream:error", "KaiStreamError"),
    (_broken, "stream:broken", "KaiStreamError"),
    (_late, "timeout:total", "KaiTimeoutError"),
]


@pytest.mark.parametrize("entered", [True, False], ids=["entered", "iterated"])
@pytest.mark.parametrize(("spoil", "code", "name"), FAILURES, ids=[code for _, code, _ in FAILURES])
async def test_a_failure_is_told_by_its_code_and_class(
    emitted: Emitted,
    kai_server: KaiServer,
    spoil: Callable[[KaiServer], None],
    code: str,
    name: str,
    entered: bool,
) -> None:
    """The span and the duration have `error.type`; what the error says is nowhere."""
    spoil(kai_server)
    total = 1.0 if code == "timeout:total" else 20.0
    async with client_of(kai_server, retry=RetryPolicy(attempts=1)) as kai:
        stream = kai.send_message(kai.new_chat_id(), "Hi", timeout=Timeouts(total=total))
        with pytest.raises(KaiError):
            await (_entered_and_read if entered else _read)(stream)
    span = emitted.one("chat")
    assert (span.failed, span.status, span["error.type"], span["kai.error.class"]) == (True, code, code, name)
    assert span["kai.outcome"] == "failed"
    assert span["http.response.status_code"] == (403 if code == "forbidden:chat" else None)
    (duration,) = emitted.points("gen_ai.client.operation.duration")
    assert duration.attributes["error.type"] == code
    assert "Words of the server" not in emitted.text()


async def test_attempts_are_events_of_one_span(emitted: Emitted, kai_server: KaiServer) -> None:
    """A request that is sent again is the same chat."""
    kai_server.kai.reply(fail("Come back", status=503, retry_after=0))
    kai_server.kai.reply(say("Here."))
    async with client_of(kai_server, retry=QUICK) as kai:
        assert await kai.send_message(kai.new_chat_id(), "Hi").get_final_text() == "Here."
    span = emitted.one("chat")
    assert span["kai.outcome"] == "complete"
    assert [name for name, _ in span.events] == ["kai.retry"]
    told = dict(span.events[0][1])
    assert told.pop("kai.retry.wait") >= 0
    assert told == {"kai.retry.attempt": 1, "error.type": "offline:chat", "kai.error.class": "KaiServerError"}


async def test_what_is_recovered_goes_on_in_its_span(emitted: Emitted, kai_server: KaiServer) -> None:
    """A connection that is lost is an event; the requests that look for the rest are below the chat."""
    kai_server.kai.reply(say("One, two, three."))
    kai_server.next_stream(drop_after=4)
    async with client_of(kai_server, retry=QUICK) as kai:
        text = await kai.send_message(kai.new_chat_id(), "Hi", recover=True).get_final_text()
    assert text == "One, two, three."
    span = emitted.one("chat")
    assert (span["kai.outcome"], span.failed) == ("complete", False)
    assert ("kai.recovery", {"kai.recovery.found": True}) in span.events
    assert {each.parent for each in emitted.named("GET")} == {span.id}


async def test_what_is_recovered_by_hand_is_another_span(emitted: Emitted, kai_server: KaiServer) -> None:
    """The first one had failed and ended; the rest of the answer is a chat of its own."""
    kai_server.kai.reply(say("One, two, three."))
    kai_server.next_stream(drop_after=4)
    async with client_of(kai_server, retry=QUICK) as kai, kai.send_message(kai.new_chat_id(), "Hi") as stream:
        with pytest.raises(KaiError):
            await stream.get_final_text()
        await stream.recover()
        assert await stream.get_final_text() == "One, two, three."
    assert [span["kai.outcome"] for span in emitted.named("chat")] == ["failed", "complete"]


async def test_a_search_for_the_rest_that_is_closed_ends_its_span(emitted: Emitted, kai_server: KaiServer) -> None:
    """Also without an `async with`, which would close the stream a second time."""
    kai_server.kai.reply(say("One, two, three."))
    kai_server.next_stream(drop_after=4)
    slow = RetryPolicy(attempts=1, wait_initial=20, wait_max=20)
    async with client_of(kai_server, retry=slow) as kai:
        stream = kai.send_message(kai.new_chat_id(), "Hi")
        with pytest.raises(KaiError):
            await _all(stream)
        searching = asyncio.create_task(stream.recover())
        while not emitted.named("GET"):  # noqa: ASYNC110 - nobody tells that it waits for the answer to be stored
            await asyncio.sleep(0)
        await stream.aclose()
        with pytest.raises(KaiClosedError):
            await searching
        assert [span["kai.outcome"] for span in emitted.named("chat")] == ["failed", "closed"]


async def test_who_is_refused_while_another_reads_ends_nothing(emitted: Emitted, kai_server: KaiServer) -> None:
    """One span, until the one who reads it is done."""
    kai_server.kai.reply(say("One."), pause(20), say("Two."))
    async with client_of(kai_server) as kai:
        stream = kai.send_message(kai.new_chat_id(), "Hi")
        reading = asyncio.create_task(_all(stream))
        with pytest.raises(RuntimeError):
            await _entered_until_refused(stream)
        assert emitted.spans == []
        await stream.aclose()
        with contextlib.suppress(KaiError):
            await reading
    assert emitted.one("chat")["kai.outcome"] == "closed"


async def test_comments_are_not_the_first_event(emitted: Emitted) -> None:
    """A backend that says that it lives has not yet begun to answer."""
    seen = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
        for piece in (head + chunk(b": there\n\n"), chunk(b": still there\n\n")):
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0.06)
        writer.write(chunk(b'data: {"type":"start"}\n\ndata: {"type":"finish"}\n\n') + b"0\r\n\r\n")
        await reader.read()

    async with listening(seen, serve), KaiClient("some-token", seen.url, seen.url) as kai:
        async for _ in kai.send_message(kai.new_chat_id(), "Hi"):
            pass
    (first,) = emitted.points("gen_ai.client.operation.time_to_first_chunk")
    assert first.sum >= 0.12


async def test_other_calls_are_spans_without_their_ids(emitted: Emitted, kai_server: KaiServer) -> None:
    """The path is a template; which chat it was is an attribute."""
    kai_server.kai.reply("Hello")
    async with client_of(kai_server, retry=QUICK) as kai:
        chat_id, _ = await kai.chat("Hi")
        await kai.get_chat(chat_id)
        with pytest.raises(KaiError):
            await kai.get_chat("f1d3ff84-0000-4000-8000-000000000000")
    found, missing = emitted.named("GET")
    assert (found.name, found.kind, found.failed) == ("GET /api/chat/{id}", "CLIENT", False)
    assert found["url.template"] == "/api/chat/{id}"
    assert found["gen_ai.conversation.id"] == chat_id
    assert (missing.failed, missing["error.type"]) == (True, "not_found:chat")
    assert missing["http.response.status_code"] == 404
