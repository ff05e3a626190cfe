"""Whose part is what: the user's spans and the client's nest as the code does, and nobody's context is left lying about."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager

import pytest
from emitted import Emitted
from opentelemetry import trace
from opentelemetry.baggage import set_baggage
from opentelemetry.context import attach, detach

from kai_client import KaiClient, Toolbox, otel, sync
from kai_client.server import call, say
from kai_client.testing.local import KaiServer


def current() -> int:
    """The id of the span that is current, 0 without one."""
    return trace.get_current_span().get_span_context().span_id


@contextmanager
def working(emitted: Emitted, name: str) -> Generator[int]:
    """A span of the user's; its id."""
    with emitted.tracer.start_as_current_span(name) as span:
        yield span.get_span_context().span_id


async def test_a_chat_is_part_of_what_the_user_does(emitted: Emitted, kai_server: KaiServer) -> None:
    """The span that is current when the stream is opened is its parent, and stays the current one for the user."""
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        with working(emitted, "user") as user:
            async for _ in kai.send_message(kai.new_chat_id(), "Hi"):
                assert current() == user
                with working(emitted, "drawing"):
                    pass
            assert current() == user
    assert current() == 0
    assert emitted.one("chat").parent == user
    assert {span.parent for span in emitted.named("drawing")} == {user}


async def test_streams_that_are_read_in_turns_do_not_mix(emitted: Emitted, kai_server: KaiServer) -> None:
    """Two streams of one task, each opened below another span: each has its own parent, and the task keeps its context."""
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        with working(emitted, "first") as first:
            one = aiter(kai.send_message("6b5a1c9e-0000-4000-8000-000000000001", "Hi"))
            await anext(one)
        with working(emitted, "second") as second:
            two = aiter(kai.send_message("6b5a1c9e-0000-4000-8000-000000000002", "Hi"))
            await anext(two)
            assert current() == second
        more = True
        while more:
            more = [await anext(each, None) for each in (one, two)] != [None, None]
            assert current() == 0
    parents = {str(span["gen_ai.conversation.id"])[-1]: span.parent for span in emitted.named("chat")}
    assert parents == {"1": first, "2": second}


async def test_a_stream_may_be_opened_in_one_task_and_read_in_another(emitted: Emitted, kai_server: KaiServer) -> None:
    """Its parent is that of the task that opened it."""
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        with working(emitted, "user") as user:
            stream = kai.send_message(kai.new_chat_id(), "Hi")
            await stream.__aenter__()

        async def read() -> None:
            async for _ in stream:
                assert current() == 0

        await asyncio.create_task(read())
        await stream.aclose()
    assert emitted.one("chat").parent == user


@pytest.mark.kai_server(mode="assistant")
async def test_what_a_tool_does_is_part_of_its_execution(emitted: Emitted, kai_server: KaiServer) -> None:
    """In a thread or in the event loop."""
    tools = Toolbox()

    @tools.tool
    def in_a_thread() -> None:
        with working(emitted, "work in a thread"):
            pass

    @tools.tool
    async def in_the_loop() -> None:
        with working(emitted, "work in the loop"):
            pass

    kai_server.kai.reply(
        call("in_a_thread", {}, client_side=True), call("in_the_loop", {}, client_side=True), say("Done.")
    )
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        await kai.run(kai.new_chat_id(), "Work", tools=tools).get_final_text()
    tools_of = {span.id: span.name for span in emitted.named("execute_tool")}
    assert {span.name: tools_of[span.parent or 0] for span in emitted.named("work")} == {
        "work in a thread": "execute_tool in_a_thread",
        "work in the loop": "execute_tool in_the_loop",
    }


@pytest.mark.kai_server(mode="assistant")
def test_the_blocking_client_nests_likewise(emitted: Emitted, kai_server: KaiServer) -> None:
    """Chats, runs, their parts, and the tools in them."""
    tools = sync.Toolbox()

    @tools.tool
    def own() -> None:
        with working(emitted, "work"):
            pass

    kai_server.kai.reply(call("own", {}, client_side=True), say("Done."))
    with sync.KaiClient("some-token", kai_server.url, kai_server.url) as kai, working(emitted, "user") as user:
        for _ in kai.run(kai.new_chat_id(), "Work", tools=tools):
            assert current() == user
    (tree,) = emitted.tree()
    assert tree == [
        "user",
        [
            "invoke_agent kai",
            ["chat chat-model"],
            ["GET /api/settings/tools"],
            ["execute_tool own", ["work"]],
            ["GET /api/chat/{id}"],
            ["chat chat-model"],
        ],
    ]


async def test_nothing_of_a_trace_is_sent_unless_asked(emitted: Emitted, kai_server: KaiServer) -> None:
    """Keboola is told of no trace by default."""
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        with working(emitted, "user"):
            await kai.chat("Hi")
            await kai.get_history()
    names = {name for request in kai_server.requests for name in request.headers}
    assert names
    assert not names & {"traceparent", "tracestate", "baggage"}


async def test_the_trace_is_sent_where_it_is_asked_for(emitted: Emitted, kai_server: KaiServer) -> None:
    """The `traceparent` of the chat or request itself; never the baggage, which is the program's own."""
    otel.instrument(**emitted.providers, propagate=True)
    token = attach(set_baggage("customer", "Ada"))
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        await kai.chat("Hi")
        await kai.get_history()
    detach(token)
    sent = [request.headers["traceparent"].split("-")[1:3] for request in kai_server.requests]
    spans = [emitted.one("chat"), emitted.one("GET /api/history")]
    assert sent == [[f"{span.trace:032x}", f"{span.id:016x}"] for span in spans]
    assert not [request for request in kai_server.requests if "baggage" in request.headers]
