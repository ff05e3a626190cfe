"""Waits for bytes that end in the callback in which they arrive: what users do in the middle of that must not be noticed."""

import asyncio
from contextvars import ContextVar

import anyio
import pytest
from wire_server import CHAT, EVENT, STREAM, Request, chunk, client_of, usage, wire_server

from kai_client import TextEvent

COUNT = 50
END = chunk(b'data: {"type":"finish"}\n\n') + b"0\r\n\r\n"


async def _token_by_token(request: Request) -> None:
    if b"/api/chat" not in request.line:
        await usage(request)
        return
    await request.send(STREAM)
    for _ in range(COUNT):
        await request.send(chunk(EVENT))
        await asyncio.sleep(0.001)
    await request.send(END)


async def test_what_a_task_knows_of_itself() -> None:
    """Its context variables, and which task it is, are those of the reader, and not those of the event loop's callback."""
    name = ContextVar("name", default="nobody")
    async with wire_server(_token_by_token) as server, client_of(server.url) as client:

        async def read(own: str) -> None:
            name.set(own)
            task = asyncio.current_task()
            async for _ in client.send_message(CHAT, "Hi"):
                assert (name.get(), asyncio.current_task()) == (own, task)

        await asyncio.gather(*(read(f"reader {number}") for number in range(10)))
    assert name.get() == "nobody"


async def test_calls_in_the_middle_of_a_stream() -> None:
    """The same client, other tasks, and a wait of one's own: in the order in which they were written."""
    async with wire_server(_token_by_token) as server, client_of(server.url) as client:
        seen = 0
        async for event in client.send_message(CHAT, "Hi"):
            if isinstance(event, TextEvent):
                assert (await client.get_usage()).messages_used == 1
                assert await asyncio.create_task(asyncio.sleep(0, "done")) == "done"
                seen += 1
    assert seen == COUNT


async def test_an_exception_in_the_loop_is_the_readers() -> None:
    """It ends the reader's task, and neither the connections of others nor the event loop hear of it."""
    heard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: heard.append(context))
    async with wire_server(_token_by_token) as server, client_of(server.url) as client:

        async def fail() -> None:
            async for event in client.send_message(CHAT, "Hi"):
                if isinstance(event, TextEvent):
                    raise ZeroDivisionError

        other = asyncio.create_task(client.send_message(CHAT, "Hi").get_final_text())
        with pytest.raises(ZeroDivisionError):
            await asyncio.create_task(fail())
        assert await other == "Hi" * COUNT
    assert heard == []


async def test_a_reader_that_never_waits_lets_others_in() -> None:
    """However fast events arrive, another task has its turn before the stream ends."""

    async def flood(request: Request) -> None:
        await request.send(STREAM)
        for _ in range(200):
            await request.send(chunk(EVENT * 100))
        await request.send(END)

    async with wire_server(flood) as server, client_of(server.url) as client:
        reading = asyncio.create_task(client.send_message(CHAT, "Hi").get_final_text())
        turns = 0
        while not reading.done():
            await asyncio.sleep(0)
            turns += 1
    assert turns > 1
    assert len(await reading) == len("Hi") * 200 * 100


async def test_anyio_knows_what_a_reader_waits_for() -> None:
    """Beside a stream that waits, anyio sees that all tasks do, and takes one back that has waited for too long."""
    heard, goes_on = asyncio.Event(), asyncio.Event()

    async def hesitate(request: Request) -> None:
        await request.send(STREAM + chunk(EVENT))
        await goes_on.wait()
        await request.send(END)

    async with wire_server(hesitate) as server, client_of(server.url) as client, anyio.create_task_group() as readers:

        async def read() -> None:
            async for _ in client.send_message(CHAT, "Hi"):
                heard.set()

        readers.start_soon(read)
        await heard.wait()
        await anyio.wait_all_tasks_blocked()
        with anyio.move_on_after(0.01) as too_long:
            async for _ in client.send_message(CHAT, "Hi"):
                pass
        assert too_long.cancelled_caught
        goes_on.set()
