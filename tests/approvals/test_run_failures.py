"""What a policy raises: its call is denied, and the user gets the very exception."""

import asyncio
import math
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from run_handmade import CHAT, ENDS, WAIT, HandmadeKai, called, finish, requested, start
from run_scenes import KINDS, LISTING, Kind, Notes, Received, approvals, scene_of, two_steps

from kai_client import (
    Approval,
    Denial,
    KaiClient,
    KaiClosedError,
    KaiConnectionError,
    KaiError,
    KaiNotFoundError,
    KaiStreamError,
    KaiTimeoutError,
    Policy,
)
from kai_client.server import ask
from kai_client.stream import ChatStream


class OwnError(Exception):
    """What a user's policy raises."""


FAILURES: dict[str, Callable[[], BaseException]] = {
    "own": lambda: OwnError("secret words"),
    "KaiError": lambda: KaiError("secret words", "own:code"),
    "timeout:pool": lambda: KaiTimeoutError("secret words", "timeout:pool"),
    "timeout:idle": lambda: KaiTimeoutError("secret words", "timeout:idle"),
    "connection:lost": lambda: KaiConnectionError("secret words", "connection:lost"),
    "stream:incomplete": lambda: KaiStreamError("secret words", "stream:incomplete"),
    "not found": lambda: KaiNotFoundError("secret words", "not_found:chat"),
    "closed": lambda: KaiClosedError("secret words", "closed"),
    "TimeoutError": lambda: TimeoutError("secret words"),
    "group": lambda: ExceptionGroup("secret words", [ValueError("secret words")]),
}


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("recover", [False, True], ids=["", "recover"])
@pytest.mark.parametrize("name", FAILURES)
async def test_a_policy_that_raises_denies(kind: Kind, name: str, recover: bool) -> None:
    """Its call and those after it are not approved, and the very same exception reaches the user."""
    failure = FAILURES[name]()
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        notes = Notes({"c1": failure, "c2": True, "c3": True}, is_async=True)
        with pytest.raises(type(failure)) as caught:
            await scene.run(notes, recover=recover).get_final_message()
        assert caught.value is failure
        assert failure.args[0] == "secret words"
        assert approvals(scene) == []
        if kind is not LISTING:
            assert scene.received[0] == Received(
                "c1", approved=False, reason="The approval policy of this client failed."
            )
        assert "secret words" not in str([request.body for request in scene.posts])
    assert notes.asked == ["c1"]
    assert ran == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_what_was_approved_before_a_failure_stays_approved(kind: Kind) -> None:
    """The first call of a step runs as it was approved, the one whose policy failed does not."""
    ran: list[Any] = []
    failure = OwnError()
    async with scene_of(kind, two_steps(ran)) as scene:
        with pytest.raises(OwnError):
            await scene.run(Notes({"c1": True, "c2": failure})).get_final_message()
        decided = {decision.call_id: decision.approved for decision in scene.received}
    assert decided in ([{}, {"c1": True}] if kind is LISTING else [{"c1": True, "c2": False}])
    assert ran in ([], [{"n": 1}])


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_a_timeout_of_the_policy_is_not_the_streams(kind: Kind) -> None:
    """A bound inside the policy that runs out is the policy's own error, and the stream's timeout has nothing to do with it."""

    async def policy(_: object) -> bool:
        async with asyncio.timeout(0.001):
            await asyncio.Event().wait()
        return True

    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        with pytest.raises(TimeoutError) as caught:
            await scene.run(policy, total=100).get_final_message()
        assert not isinstance(caught.value, KaiError)
        assert approvals(scene) == []
    assert ran == []


def raises_stop_iteration(_: object) -> bool:
    """At once."""
    raise StopIteration(5)


def raises_stop_async_iteration(_: object) -> bool:
    """The other kind."""
    raise StopAsyncIteration


async def raises_stop_iteration_later(_: object) -> bool:
    """When it is awaited."""
    raise StopIteration


async def is_out_of_answers(_: object) -> bool:
    """As a generator of answers that has none left."""

    async def none() -> AsyncGenerator[bool]:
        for answer in list[bool]():
            yield answer

    return await anext(none())


async def read_by_for(stream: ChatStream) -> None:
    """By `async for`."""
    async for _ in stream:
        pass


async def read_one_by_one(stream: ChatStream) -> None:
    """By `anext`."""
    async with stream:
        while True:
            await anext(stream)


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("read", [read_by_for, read_one_by_one])
@pytest.mark.parametrize(
    "policy", [raises_stop_iteration, raises_stop_async_iteration, raises_stop_iteration_later, is_out_of_answers]
)
async def test_a_stop_iteration_is_no_end_of_the_answer(
    kind: Kind, read: Callable[[ChatStream], Awaitable[None]], policy: Policy
) -> None:
    """A policy that runs out of answers denies, and whoever reads event by event hears a RuntimeError, not the end."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        with pytest.raises(RuntimeError, match="StopIteration"):
            await read(scene.run(policy))
        assert approvals(scene) == []
    assert ran == []


async def is_cancelled_by_itself(_: object) -> bool:
    """Awaits what was cancelled."""
    lost = asyncio.get_running_loop().create_future()
    lost.cancel()
    await lost
    return True


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_a_cancellation_of_the_policys_own_is_an_error(kind: Kind) -> None:
    """A policy that awaits what was cancelled denies, and a task group hears of it: nobody has cancelled the run."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        tasks = list[asyncio.Task[str]]()
        with pytest.raises(ExceptionGroup) as caught:
            async with asyncio.TaskGroup() as group:
                tasks.append(group.create_task(scene.run(is_cancelled_by_itself).get_final_text()))
        (error,) = caught.value.exceptions
        assert isinstance(error, KaiError)
        assert error.code == "approval:policy"
        assert isinstance(error.__cause__, asyncio.CancelledError)
        assert not tasks[0].cancelled()
        assert approvals(scene) == []
    assert ran == []


@dataclass(frozen=True)
class FrozenError(Exception):
    """An exception that cannot be changed."""

    x: int = 1


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_an_exception_that_cannot_be_changed(kind: Kind) -> None:
    """It reaches the user as it is, though nothing can be noted on it; its call is denied."""
    failure, ran = FrozenError(), list[Any]()
    async with scene_of(kind, two_steps(ran)) as scene:
        with pytest.raises(FrozenError) as caught:
            await scene.run(Notes(failure)).get_final_message()
        assert caught.value is failure
        assert approvals(scene) == []
    assert ran == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_the_note_on_a_failure_names_nothing_of_the_call(kind: Kind) -> None:
    """An exception ends in logs: it says that the call was denied, but not which, nor with what arguments."""
    failure = OwnError()
    async with scene_of(kind, [ask("secret-tool", {"key": "secret"}, 1, id="secret-id")]) as scene:
        with pytest.raises(OwnError):
            await scene.run(Notes(failure)).get_final_message()
    (note,) = failure.__notes__
    assert "denied" in note
    assert "secret" not in note


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_a_decision_that_cannot_be_made_denies(kind: Kind) -> None:
    """A policy whose approval or denial cannot be built has failed: nothing is approved with arguments half sent."""
    ran: list[Any] = []
    for build in (lambda: Approval(updated_input={"n": math.nan}), lambda: Denial(reason="half \ud83d")):

        def policy(_: object, build: Callable[[], Any] = build) -> Any:
            return build()

        async with scene_of(kind, two_steps(ran)) as scene:
            with pytest.raises(ValueError, match=r"Out of range|surrogates"):
                await scene.run(policy).get_final_message()
            assert approvals(scene) == []
    assert ran == []


@pytest.mark.parametrize("call_id", ["", "c\ud800", "c\0"], ids=ascii)
@pytest.mark.parametrize("ruling", [True, False])
async def test_an_id_that_cannot_be_sent_back(call_id: str, ruling: bool) -> None:
    """An agent's call under an id that no request can hold is an error of that name, and nothing was sent."""
    kai, notes = (
        HandmadeKai([start(), called(call_id), WAIT, finish()], tools={"tools": []}, settings={}),
        Notes(ruling),
    )
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend="kai-agent") as client:
        with pytest.raises(KaiError) as caught:
            await client.run(CHAT, "go", approve=notes).get_final_message()
    assert caught.value.code == "approval:bad_id"
    assert (len(notes.asked), kai.sent) == (1, [])


@pytest.mark.parametrize(("call_id", "approval_id"), [("c\ud800", "a"), ("c", "a\ud800")], ids=ascii)
async def test_an_id_that_cannot_be_posted_back(call_id: str, approval_id: str) -> None:
    """The same of an assistant's message, which holds the ids: it is an error of Kai's, and nothing was sent."""
    asks = [start(), called(call_id), requested(call_id, approval_id), finish("tool-calls")]
    kai, notes = HandmadeKai(asks, ENDS), Notes(rules=True)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend="kai-assistant") as client:
        with pytest.raises(KaiError, match="cannot be made"):
            await client.run(CHAT, "go", approve=notes).get_final_message()
    assert (len(notes.asked), kai.sent) == (1, [])
