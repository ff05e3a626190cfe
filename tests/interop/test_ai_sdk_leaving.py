"""Leaving a stream of the Node server early, in every way, on a client that has one connection only."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable

import httpx
import pytest
from ai_sdk import MAJORS
from answers import STORAGE_URL, TOKEN, plain_http

from kai_client import ChatStream, KaiClient, TextEvent, ToolInputAvailableEvent

pytestmark = pytest.mark.parametrize("major", MAJORS)

PATIENCE = 20.0
"""Seconds, so that a connection that was not given back is an error, and not the end of the test's time."""


class LeftError(Exception):
    """What the reader of a stream raises."""


async def by_return_in_silence(stream: ChatStream) -> None:
    """Reads until the server says nothing more but has not ended."""
    async for event in stream:
        if isinstance(event, ToolInputAvailableEvent):
            return


async def by_break(stream: ChatStream) -> None:
    """`async for` alone."""
    async for event in stream:
        if isinstance(event, TextEvent):
            break


async def by_break_in_context(stream: ChatStream) -> None:
    """`async with`, as the README has it."""
    async with stream:
        async for event in stream:
            if isinstance(event, TextEvent):
                break


async def by_exception(stream: ChatStream) -> None:
    """The body of the loop fails."""

    async def read() -> None:
        async for _ in stream:
            raise LeftError

    with pytest.raises(LeftError):
        await read()


async def by_exception_in_context(stream: ChatStream) -> None:
    """The block around the loop fails."""

    async def read() -> None:
        async with stream:
            await anext(stream)
            raise LeftError

    with pytest.raises(LeftError):
        await read()


async def by_aclose(stream: ChatStream) -> None:
    """One event, then `aclose()`."""
    await anext(stream)
    await stream.aclose()


async def by_leaving_text_stream(stream: ChatStream) -> None:
    """The text alone."""
    async for _ in stream.text_stream:
        break


async def by_cancelling_in_silence(stream: ChatStream) -> None:
    """The task is cancelled while it waits for a server that says nothing."""
    silent = asyncio.Event()

    async def read() -> None:
        async for event in stream:
            if isinstance(event, ToolInputAvailableEvent):
                silent.set()

    await cancelled(asyncio.create_task(read()), silent)


async def by_cancelling_the_loop_body(stream: ChatStream) -> None:
    """The task is cancelled while it works on an event."""
    working = asyncio.Event()

    async def read() -> None:
        async with stream:
            async for _ in stream:
                working.set()
                await asyncio.Event().wait()

    await cancelled(asyncio.create_task(read()), working)


async def by_entering_only(stream: ChatStream) -> None:
    """The head has arrived, nothing is read."""
    async with stream:
        pass


async def cancelled(task: asyncio.Task[None], ready: asyncio.Event) -> None:
    """Cancels the task when it is ready, and waits for its end."""
    await ready.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


WAYS: list[Callable[[ChatStream], Awaitable[None]]] = [
    by_return_in_silence,
    by_break,
    by_break_in_context,
    by_exception,
    by_exception_in_context,
    by_aclose,
    by_leaving_text_stream,
    by_cancelling_in_silence,
    by_cancelling_the_loop_body,
    by_entering_only,
]


@pytest.fixture
async def http() -> AsyncGenerator[httpx.AsyncClient]:
    """A client with one connection."""
    async with plain_http(connections=1) as http:
        yield http


@pytest.mark.parametrize("leave", WAYS, ids=lambda way: way.__name__)
async def test_leaving_gives_the_connection_back(
    major: str, leave: Callable[[ChatStream], Awaitable[None]], http: httpx.AsyncClient, ai_sdk_url: str
) -> None:
    """After leaving, the same client's only connection serves the next requests, and the server answers them."""

    def client(scenario: str) -> KaiClient:
        return KaiClient(TOKEN, STORAGE_URL, f"{ai_sdk_url}/{major}/{scenario}", PATIENCE, PATIENCE, http_client=http)

    silent, text = client("silent"), client("text")
    streams = [silent.send_message(silent.new_chat_id(), "Hello") for _ in range(3)]
    for stream in streams:  # which stay referenced: nothing is given back by their deletion
        await leave(stream)
        stored = (await silent.get_chat(stream.chat_id)).messages
        assert stored[0].text == "Hello"
        assert (await text.chat("Hello"))[1].startswith("Hello, duck")
