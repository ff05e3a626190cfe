"""What the tests here have in common: services in the test's own loop, and backends that do one thing."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Unpack

from faststream.nats import NatsBroker

from kai_client.backend import ChatBackend
from kai_client.events import FinishEvent, SSEEvent, StartEvent, TextDeltaEvent
from kai_client.nats import NatsKai, kai_router
from kai_client.nats.client import ContentType, Options
from kai_client.nats.door import Connection, connect
from kai_client.server import KaiHost, KaiService

CONTENT_TYPES: list[ContentType] = ["application/json", "application/x-protobuf"]


async def bare(url: str) -> Connection:
    """A connection as any NATS client has one; whoever asks for it closes it."""
    return await connect(url, seconds=5)


def text(delta: str) -> TextDeltaEvent:
    """A piece of text."""
    return TextDeltaEvent.from_chunk({"type": "text-delta", "id": "0", "delta": delta})


def finish() -> FinishEvent:
    """The end."""
    return FinishEvent(finish_reason="stop")


@asynccontextmanager
async def service(url: str, backend: ChatBackend | KaiService | KaiHost, **options: Any) -> AsyncGenerator[NatsBroker]:
    """A replica of the service; `options` are those of `kai_router`."""
    broker = NatsBroker(url, logger=None, graceful_timeout=0.2)
    broker.include_router(kai_router(backend, **options))
    async with broker:
        await broker.start()
        for _ in range(
            2
        ):  # nats-py's first ping may overtake the subscriptions, of which the broker then knows nothing
            await broker.connection.flush()
        yield broker


@asynccontextmanager
async def served(
    url: str, kai: ChatBackend | KaiService | KaiHost, /, **options: Unpack[Options]
) -> AsyncGenerator[NatsKai]:
    """A client of a service; `options` are the client's."""
    async with service(url, kai), NatsKai.connect(url, **options) as client:
        yield client


class Answers:
    """A backend that answers with what `events` gives for the text; it knows when an answer was closed."""

    def __init__(self, events: Callable[[str], AsyncIterator[SSEEvent]]) -> None:
        self._events = events
        self.asked = 0
        self.open = 0
        self.closed = asyncio.Event()

    async def send_message(self, chat_id: str, text: str, *args: Any, **options: Any) -> AsyncIterator[SSEEvent]:
        """See `ChatBackend`."""
        del chat_id, args, options
        self.asked += 1
        self.open += 1
        try:
            async for event in self._events(text):
                yield event
        finally:
            self.open -= 1
            self.closed.set()


def saying(*deltas: str, then: Callable[[], Awaitable[object]] | None = None, end: bool = True) -> Answers:
    """A backend that says something, does something, and ends."""

    async def events(question: str) -> AsyncIterator[SSEEvent]:
        del question
        yield StartEvent(message_id="the-message")
        for delta in deltas:
            yield text(delta)
        if then is not None:
            await then()
        if end:
            yield finish()

    return Answers(events)


def echo() -> Answers:
    """A backend that repeats the text, a character at a time."""

    async def events(question: str) -> AsyncIterator[SSEEvent]:
        yield StartEvent(message_id=f"m-{question}")
        for character in question:
            yield text(character)
            await asyncio.sleep(0)
        yield finish()

    return Answers(events)


def thinking() -> Answers:
    """A backend that says a word and then never anything more."""
    return saying("Hm", then=asyncio.Event().wait)
