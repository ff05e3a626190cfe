"""A run that is closed, or whose reader is cancelled, asks nothing more and sends nothing more."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from functools import partial
from typing import Any, cast

import pytest
from blocking_kai import BlockingStream
from run_handmade import ASKS, CHAT, ENDS, HOLD, Chunk, HandmadeKai, called, finish, start
from run_scenes import KINDS, Kind, Notes, Undecided, Watchful, approvals, one_call, scene_of, two_steps, until

from kai_client import KaiClient, KaiClosedError, KaiTimeoutError, SSEEvent, approve_all, deny_all
from kai_client.stream import ChatStream


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_cancelled_while_the_policy_thinks(kind: Kind) -> None:
    """Nothing was sent, and nothing runs."""
    policy, ran = Undecided(), list[Any]()
    async with scene_of(kind, two_steps(ran)) as scene:
        task = asyncio.create_task(scene.run(policy).get_final_message())
        await policy.begun.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert scene.posts == []
        await scene.client.ping()
    assert ran == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("how", ["aclose", "client"])
async def test_closed_while_the_policy_thinks(kind: Kind, how: str) -> None:
    """Another task closes the stream: whoever reads it gets a `KaiClosedError`, and nothing was sent."""
    policy, ran = Undecided(), list[Any]()
    async with scene_of(kind, two_steps(ran)) as scene:
        stream = scene.run(policy)
        task = asyncio.create_task(stream.get_final_message())
        await policy.begun.wait()
        await stream.aclose()
        with pytest.raises(KaiClosedError):
            await task
        assert scene.posts == []
        if how == "client":
            await scene.client.close()
            with pytest.raises(KaiClosedError):
                await scene.run(deny_all).get_final_message()
    assert ran == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_closed_by_the_policy_itself(kind: Kind) -> None:
    """A policy that closes the stream and then says yes has approved nothing."""
    ran: list[Any] = []

    async with scene_of(kind, two_steps(ran)) as scene:

        async def policy(_: object) -> bool:
            await stream.aclose()
            return True

        stream = scene.run(policy)
        with pytest.raises(KaiClosedError):
            await stream.get_final_message()
        assert approvals(scene) == []
    assert ran == []


BACKENDS = ["kai-assistant", None]
SAYS_SO = "tool-approval-response"
"""The event between two responses of an assistant's answer."""


async def read_until(stream: ChatStream, kind: str) -> None:
    """Read event by event as far as the first of this type."""
    while (await anext(stream)).type != kind:
        pass


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("read", [ChatStream.get_final_text, ChatStream.get_final_message])
async def test_closed_between_two_responses(backend: str | None, read: Callable[[ChatStream], Awaitable[Any]]) -> None:
    """The decision that the reader was told of is not posted any more, and half an answer is never sold as a whole one."""
    kai, notes = HandmadeKai(ASKS, ENDS), Notes(rules=True)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        stream = client.run(CHAT, "go", approve=notes)
        await read_until(stream, SAYS_SO)
        await stream.aclose()
        with pytest.raises(KaiClosedError):
            await read(stream)
        assert [event async for event in stream] == []
    assert (notes.asked, kai.sent) == (["c1"], [])


@pytest.mark.parametrize("backend", BACKENDS)
async def test_left_between_two_responses(backend: str | None) -> None:
    """So it is for who leaves the loop there: the run was closed, and its text is not whole."""
    kai = HandmadeKai(ASKS, ENDS)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        stream = client.run(CHAT, "go", approve=approve_all)
        events = cast("AsyncGenerator[SSEEvent]", aiter(stream))
        async with contextlib.aclosing(events):
            async for event in events:
                if event.type == SAYS_SO:
                    break
        with pytest.raises(KaiClosedError):
            await stream.get_final_text()
    assert kai.sent == []


def has_called(stream: ChatStream, task: asyncio.Task[str]) -> bool:
    """Whether a call was heard, or it is all over."""
    return bool(stream.tool_calls) or task.done()


def has_finished(stream: ChatStream, task: asyncio.Task[str]) -> bool:
    """Whether a response has ended, or it is all over."""
    return stream.finish_reason is not None or task.done()


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("how", ["aclose", "cancel"])
async def test_closed_at_any_moment(kind: Kind, how: str) -> None:
    """Whenever a run is closed or its reader is cancelled: what ran was approved, what was read is whole or an error, and
    what is read later says the same.
    """
    for turns in range(0, 60, 5):
        ran: list[Any] = []
        async with scene_of(kind, one_call(ran)) as scene:
            notes = Notes(rules=True, is_async=True)
            stream = scene.run(notes)
            task = asyncio.create_task(stream.get_final_text())
            await until(partial(has_called, stream, task))
            for _ in range(turns):
                await asyncio.sleep(0)
            if how == "cancel":
                task.cancel()
            else:
                await stream.aclose()
            (read,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(read, str):
                assert (read, await stream.get_final_text()) == ("Done.", "Done.")
            else:
                assert isinstance(read, asyncio.CancelledError if how == "cancel" else KaiClosedError)
                (later,) = await asyncio.gather(stream.get_final_text(), return_exceptions=True)
                # A thread may be through when the task that waits for it is cancelled: the answer is whole then.
                whole = how == "cancel" and isinstance(stream, BlockingStream) and later == "Done."
                assert whole or isinstance(later, KaiClosedError)
            await scene.client.ping()
            assert len(ran) <= len(approvals(scene)) <= len(notes.asked) <= 1


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_nobody_is_asked_after_the_close(kind: Kind) -> None:
    """Closed at every turn of the event loop between the call and the question about it: the question is not asked any more."""
    for turns in range(1000):
        async with scene_of(kind, one_call()) as scene:
            policy = Watchful()
            stream = scene.run(policy)
            task = asyncio.create_task(stream.get_final_text())
            await until(partial(has_called, stream, task))
            for _ in range(turns):
                await asyncio.sleep(0)
            policy.closed = True
            await stream.aclose()
            (read,) = await asyncio.gather(task, return_exceptions=True)
        assert policy.asked in ([], [False]), f"asked after the close, {turns} turns after the call"
        if policy.asked:
            break
        assert isinstance(read, KaiClosedError)


OLDEST = [start(), called("c1", given={"n": 1}), finish("tool-calls")]


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("asks", [ASKS, OLDEST], ids=["request", "oldest"])
async def test_nobody_is_asked_about_a_closed_run(backend: str | None, asks: list[Chunk]) -> None:
    """A run that is closed when its first response has just ended asks nobody about the calls of it."""
    for turns in range(0, 40, 4):
        kai, policy = HandmadeKai(asks, ENDS), Watchful()
        async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
            stream = client.run(CHAT, "go", approve=policy)
            task = asyncio.create_task(stream.get_final_text())
            await until(partial(has_finished, stream, task))
            for _ in range(turns):
                await asyncio.sleep(0)
            policy.closed = True
            await stream.aclose()
            (read,) = await asyncio.gather(task, return_exceptions=True)
            assert read == "Done." or isinstance(read, KaiClosedError)
        assert policy.asked in ([], [False])
        assert len(kai.sent) <= len(policy.asked)


@pytest.mark.parametrize("backend", BACKENDS)
async def test_a_bounded_wait_posts_once(backend: str | None) -> None:
    """A wait for one event that is given up while the decision is on its way closes the run: asking for the next event again
    does not post the decision again.
    """
    kai, notes = HandmadeKai(ASKS, [HOLD, *ENDS], ENDS, ENDS), Notes(rules=True)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        stream = client.run(CHAT, "go", approve=notes)
        await read_until(stream, SAYS_SO)
        waiting = asyncio.create_task(asyncio.wait_for(anext(stream), 600))
        await until(lambda: len(kai.sent) == 1)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        kai.go_on()
        for _ in range(3):
            with pytest.raises(StopAsyncIteration):
                await asyncio.wait_for(anext(stream), 600)
        with pytest.raises(KaiClosedError):
            await stream.get_final_message()
    assert (notes.asked, len(kai.sent)) == (["c1"], 1)


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_a_bounded_wait_for_the_policy(kind: Kind) -> None:
    """A wait that is cancelled while the policy thinks closes the run: nothing is sent, and nothing more is read."""
    policy, ran = Undecided(), list[Any]()
    async with scene_of(kind, two_steps(ran)) as scene:
        stream = scene.run(policy)
        waiting = asyncio.create_task(read_until(stream, "finish"))
        await policy.begun.wait()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        with pytest.raises(StopAsyncIteration):
            await asyncio.wait_for(anext(stream), 600)
        with pytest.raises(KaiClosedError):
            await stream.get_final_text()
        assert scene.posts == []
    assert (policy.asked, ran) == (["c1"], [])


async def hears_nothing(_: object) -> bool:
    """A policy that takes its cancellation for nothing, and says yes."""
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.Event().wait()
    return True


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("how", ["aclose", "total", "cancel"])
async def test_a_yes_after_the_end_is_too_late(kind: Kind, how: str) -> None:
    """A policy that swallows its cancellation has approved nothing, whatever it returns."""
    thinking, ran = asyncio.Event(), list[Any]()

    async def policy(call: object) -> bool:
        thinking.set()
        return await hears_nothing(call)

    async with scene_of(kind, two_steps(ran)) as scene:
        stream = scene.run(policy, total=0.5 if how == "total" else 60)
        task = asyncio.create_task(stream.get_final_text())
        await thinking.wait()
        if how == "aclose":
            await stream.aclose()
        elif how == "cancel":
            task.cancel()
        (read,) = await asyncio.gather(task, return_exceptions=True)
        expected = {"aclose": KaiClosedError, "total": KaiTimeoutError, "cancel": asyncio.CancelledError}
        assert isinstance(read, expected[how])
        assert approvals(scene) == []
    assert ran == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_a_sync_policy_that_outlasts_the_run(kind: Kind) -> None:
    """It holds the loop until the run's total time is over: its yes is not sent."""
    ran: list[Any] = []

    def policy(_: object) -> bool:
        time.sleep(0.6)
        return True

    async with scene_of(kind, two_steps(ran)) as scene:
        with pytest.raises(KaiTimeoutError):
            await scene.run(policy, total=0.5).get_final_text()
        assert approvals(scene) == []
    assert ran == []
