"""A toolbox starts, lends its state to every call, and shuts down: once at a time, and never half."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from toolbox_calls import tool_call

from kai_client import KaiClosedError, KaiConfigError
from kai_client.toolbox import Toolbox, ToolContext


def logged(log: list[str]) -> Toolbox[list[str]]:
    """A toolbox whose state is this log, of starts, calls and ends."""

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[list[str]]:
        log.append("start")
        try:
            yield log
        finally:
            log.append("end")

    tools = Toolbox(lifespan=lifespan)

    @tools.tool
    async def note(word: str, context: ToolContext[list[str]]) -> int:
        context.state.append(f"{context.tool_name} {word}")
        return len(context.state)

    return tools


async def test_the_state_is_there_between_start_and_end() -> None:
    """The lifespan runs around the block, and every call sees the object that it yielded."""
    log: list[str] = []
    async with logged(log) as tools:
        assert await tools.execute("note", {"word": "a"}) == 2
        assert await tools.execute("note", {"word": "b"}) == 3
    assert log == ["start", "note a", "note b", "end"]


async def test_a_toolbox_that_needs_a_start_says_so() -> None:
    """Before the block `execute` and `answer` raise a KaiConfigError that shows how to start."""
    tools = logged([])
    with pytest.raises(KaiConfigError, match="async with tools:") as caught:
        await tools.execute("note", {"word": "a"})
    assert caught.value.code == "tool:not_started"
    with pytest.raises(KaiConfigError):
        await tools.answer(tool_call("note", {"word": "a"}))


async def test_a_toolbox_that_was_left_says_so() -> None:
    """After the block, with a lifespan or without one, a call raises a KaiClosedError."""
    for tools in (logged([]), Toolbox()):
        async with tools:
            pass
        if not tools.runs("note"):
            tools.tool(note_alone, name="note")
        with pytest.raises(KaiClosedError, match="was shut down"):
            await tools.execute("note", {"word": "a"})


def note_alone(word: str) -> str:
    """A tool without a context."""
    return word


async def test_without_a_lifespan_there_is_nothing_to_start() -> None:
    """Such a toolbox works outside the block and inside."""
    tools = Toolbox()
    tools.tool(note_alone)
    assert await tools.execute("note_alone", {"word": "a"}) == "a"
    async with tools:
        assert await tools.execute("note_alone", {"word": "b"}) == "b"


async def test_a_toolbox_can_be_started_again() -> None:
    """Each block is a lifespan of its own."""
    log: list[str] = []
    tools = logged(log)
    for _ in range(2):
        async with tools:
            await tools.execute("note", {"word": "a"})
    assert log == ["start", "note a", "end"] * 2


async def test_one_block_at_a_time() -> None:
    """A second start beside the first, open or still starting, is an error, and leaves the first one alone."""
    ready, entered = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def slow() -> AsyncGenerator[int]:
        entered.set()
        await ready.wait()
        yield 5

    tools = Toolbox(lifespan=slow)

    @tools.tool
    async def state(context: ToolContext[int]) -> int:
        return context.state

    async def first() -> object:
        async with tools:
            with pytest.raises(KaiConfigError, match="started already"):
                await tools.__aenter__()
            return await tools.execute("state", {})

    running = asyncio.create_task(first())
    await entered.wait()
    with pytest.raises(KaiConfigError, match="started already"):
        await tools.__aenter__()
    with pytest.raises(KaiConfigError, match="not started"):
        await tools.execute("state", {})
    ready.set()
    assert await running == 5


async def test_a_start_that_fails_can_be_tried_again() -> None:
    """What the lifespan raises comes out as it is, and the toolbox is as it was before."""
    attempts: list[int] = []

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        attempts.append(1)
        if len(attempts) == 1:
            raise OSError("no table")
        yield

    tools = Toolbox(lifespan=lifespan)
    tools.tool(note_alone)
    with pytest.raises(OSError, match="no table"):
        await tools.__aenter__()
    with pytest.raises(KaiConfigError, match="not started"):
        await tools.execute("note_alone", {"word": "a"})
    async with tools:
        assert await tools.execute("note_alone", {"word": "a"}) == "a"


async def test_the_lifespan_sees_the_blocks_error_and_cannot_hide_it() -> None:
    """An exception of the block reaches the lifespan and leaves the block."""
    seen: list[str] = []

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        try:
            yield
        except LookupError as error:
            seen.append(str(error))

    with pytest.raises(LookupError, match="lost"):
        async with Toolbox(lifespan=lifespan):
            raise LookupError("lost")
    assert seen == ["lost"]


async def test_an_end_that_fails_is_an_end() -> None:
    """What the shut-down raises comes out, and the toolbox is closed."""

    @asynccontextmanager
    async def lifespan() -> AsyncGenerator[None]:
        yield
        raise OSError("no end")

    tools = Toolbox(lifespan=lifespan)
    tools.tool(note_alone)
    with pytest.raises(OSError, match="no end"):
        async with tools:
            pass
    with pytest.raises(KaiClosedError):
        await tools.execute("note_alone", {"word": "a"})
