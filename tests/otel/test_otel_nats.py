"""Over NATS: the client's spans, and one trace through the service."""

from collections.abc import AsyncGenerator

import pytest_asyncio
from emitted import Emitted
from faststream.nats import NatsBroker
from nats_broker import running_broker

from kai_client import KaiClient, otel
from kai_client.nats import NatsKai, kai_router
from kai_client.nats.router import SUBJECT
from kai_client.server import call, say, usage
from kai_client.testing.local import KaiServer


@pytest_asyncio.fixture
async def nats_kai(kai_server: KaiServer) -> AsyncGenerator[NatsKai]:
    """A client of a service that asks the local server."""
    async with running_broker() as running, KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        broker = NatsBroker(running.url, logger=None, graceful_timeout=0.2)
        broker.include_router(kai_router(kai))
        async with broker, NatsKai.connect(running.url) as client:
            await broker.start()
            for _ in range(2):
                await broker.connection.flush()
            yield client


async def test_a_chat_over_nats_is_a_span_like_any(emitted: Emitted, nats_kai: NatsKai) -> None:
    """With the subject instead of a server; the service's own chat is a trace of its own."""
    async with nats_kai.send_message(nats_kai.new_chat_id(), "Hi") as stream:
        await stream.get_final_text()
    (over_nats,) = [span for span in emitted.named("chat") if span["messaging.system"] == "nats"]
    (over_http,) = [span for span in emitted.named("chat") if span is not over_nats and span["server.address"]]
    assert over_nats["messaging.destination.name"] == SUBJECT
    assert over_nats["kai.outcome"] == "complete"
    assert over_nats.trace != over_http.trace


async def test_a_trace_goes_on_in_the_service(emitted: Emitted, kai_server: KaiServer, nats_kai: NatsKai) -> None:
    """With `propagate`, what the service asks is below the chat of whoever has asked it: streams, replies and calls."""
    otel.instrument(**emitted.providers, propagate=True)
    kai_server.kai.reply(call("get", {}, 1), say("One."), usage(3, 2))
    with emitted.tracer.start_as_current_span("user"):
        async for _ in nats_kai.send_message(nats_kai.new_chat_id(), "Hi"):
            pass
        kai_server.kai.reply(say("Two."), usage(5, 4))
        reply = await nats_kai.infer("Hi")
        await nats_kai.get_history()
    assert emitted.tree() == [
        [
            "user",
            ["chat chat-model", ["chat chat-model"]],
            ["chat chat-model", ["chat chat-model"]],
            ["GET /api/history", ["GET /api/history"]],
        ]
    ]
    (inferred,) = [
        span
        for span in emitted.named("chat")
        if span["gen_ai.response.id"] == reply.generation_id and span["messaging.system"]
    ]
    assert (inferred["gen_ai.usage.input_tokens"], inferred["kai.outcome"]) == (5, "complete")
