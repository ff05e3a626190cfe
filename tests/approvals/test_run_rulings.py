"""What a policy may say, and everything else that it may do: only a yes approves."""

from typing import Any

import pytest
from run_scenes import (
    AGENTS,
    ASSISTANTS,
    KINDS,
    LISTING,
    Kind,
    Notes,
    Received,
    approvals,
    scene_of,
    two_steps,
)

from kai_client import (
    Approval,
    Denial,
    KaiClient,
    KaiError,
)
from kai_client.server import Execution, ask, say


class Truthy:
    """Is true wherever somebody asks it."""

    approved = True

    def __bool__(self) -> bool:
        return True


class SubTrue(int):
    """An int that equals True."""


RULINGS: list[tuple[Any, bool, str | None]] = [
    (True, True, None),
    (False, False, None),
    (Approval(), True, None),
    (Denial(), False, None),
    (Denial(reason="not today"), False, "not today"),
    (Denial(reason=""), False, ""),
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize(("ruling", "approved", "reason"), RULINGS)
async def test_a_ruling_arrives_as_it_was_made(
    kind: Kind, is_async: bool, ruling: Any, approved: bool, reason: str | None
) -> None:
    """True and an Approval run the tool; False and a Denial do not, and the reason goes with them."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        notes = Notes({"c1": ruling, "c2": True, "c3": ruling}, is_async=is_async)
        stream = scene.run(notes)
        await stream.get_final_message()
        expected = [Received(call_id, approved, reason) for call_id in ("c1", "c3")]
        assert scene.received == [expected[0], Received("c2", approved=True), expected[1]]
    assert notes.asked == ["c1", "c2", "c3"]
    assert sorted(run["n"] for run in ran) == ([1, 2, 3] if approved else [2])


NO_RULINGS: list[Any] = [
    "true",
    "yes",
    "approve",
    "",
    1,
    0,
    1.0,
    [],
    [True],
    {"approved": True},
    Truthy(),
    SubTrue(1),
    Approval,
]


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("is_async", [False, True], ids=["sync", "async"])
@pytest.mark.parametrize("said", NO_RULINGS, ids=repr)
async def test_what_is_no_ruling_never_approves(kind: Kind, is_async: bool, said: Any) -> None:
    """A word, a number or a truthy object denies the call at the backend, and the mistake reaches the user."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        notes = Notes({"c1": said, "c2": True, "c3": True}, is_async=is_async)
        with pytest.raises(TypeError, match="A policy returns"):
            await scene.run(notes).get_final_message()
        assert approvals(scene) == []
        if kind is not LISTING:
            assert scene.received[0] == Received(
                "c1", approved=False, reason="The approval policy of this client failed."
            )
    assert notes.asked == ["c1"]
    assert ran == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_nobody_approves_by_default(kind: Kind) -> None:
    """Without a policy every call is denied, and the answer ends well."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        stream = scene.client.run(scene.chat_id, "go")
        await stream.get_final_message()
        reason = "Nobody can approve tool calls here."
        assert scene.received == [Received(call_id, approved=False, reason=reason) for call_id in ("c1", "c2")]
    assert ran == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_what_a_policy_does_to_its_call_changes_nothing(kind: Kind) -> None:
    """The input and the message that a policy gets are its own: tampering reaches neither the tool nor the backend."""
    ran: list[Any] = []

    def policy(call: Any) -> bool:
        call.input["n"] = "tampered"
        call.input["more"] = True
        call.message.to_dict()["parts"].clear()
        return True

    async with scene_of(kind, two_steps(ran)) as scene:
        stream = scene.run(policy)
        message = await stream.get_final_message()
        assert "tampered" not in str([request.body for request in scene.posts])
        assert [part.get("input") for part in message.tool_parts] == [{"n": 1}, {"n": 2}, {"n": 3}]
    assert ran == [{"n": 1}, {"n": 2}, {"n": 3}]


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_the_input_of_a_call_is_a_copy_to_its_depth(kind: Kind) -> None:
    """Nor does tampering with what is inside the input."""
    ran: list[Any] = []

    def run(execution: Execution) -> str:
        ran.append(execution.input)
        return "ok"

    def policy(call: Any) -> bool:
        call.input["of"]["items"].append("tampered")
        call.input["of"]["more"] = "tampered"
        return True

    given: Any = {"of": {"items": [{"n": 1}]}}
    async with scene_of(kind, [ask("a", given, run, id="c1"), say("Done.")]) as scene:
        message = await scene.run(policy).get_final_message()
        assert "tampered" not in str([request.body for request in scene.posts])
        assert [part.get("input") for part in message.tool_parts] == [given]
    assert ran == [given]


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_a_call_shows_what_there_is_to_know(kind: Kind) -> None:
    """Chat, id, name and input of the call, the message with the call in it, and what backend and catalogue say."""
    async with scene_of(kind, [say("Let me see."), ask("a-b", {"n": 1}, "ok", id="c1")]) as scene:
        notes = Notes(rules=True)
        await scene.run(notes).get_final_message()
        (call,) = notes.calls
        assert (call.chat_id, call.tool_call_id, call.tool_name, call.input) == (scene.chat_id, "c1", "a-b", {"n": 1})
        assert call.message.text == "Let me see."
        assert [part.tool_call_id for part in call.message.tool_parts] == ["c1"]
        assert (call.approval_id is None) is (kind.mode == "agent" or kind is LISTING)
        assert call.read_only is (None if kind in ASSISTANTS else False)


@pytest.mark.parametrize("approve", [None, True, "approve_all", 1, Approval(), {"c1": True}], ids=repr)
async def test_a_policy_is_a_function(approve: Any) -> None:
    """What cannot be called is refused at once, before anything is sent."""
    async with KaiClient("token", "https://x.test") as client:
        with pytest.raises(TypeError, match="approve"):
            client.run("chat", "go", approve=approve)


CHANGES = [
    Approval(updated_input={"n": 100}),
    Approval(updated_input={}),
    Approval(answers={"colour": "blue"}),
    Approval(updated_input={"n": 1}, answers={}),
]


@pytest.mark.parametrize("kind", [*ASSISTANTS, LISTING], ids=str)
@pytest.mark.parametrize("change", CHANGES, ids=repr)
async def test_an_assistant_takes_no_other_arguments(kind: Kind, change: Approval) -> None:
    """What was approved with other arguments is denied and never runs with the old ones; the user is told."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        notes = Notes({"c1": change, "c2": True, "c3": True})
        with pytest.raises(KaiError) as caught:
            await scene.run(notes).get_final_message()
        assert caught.value.code == "approval:unsupported"
        assert "c1" not in approvals(scene)
    assert {"n": 1} not in ran


@pytest.mark.parametrize("kind", AGENTS, ids=str)
@pytest.mark.parametrize("change", CHANGES, ids=repr)
async def test_an_agent_runs_the_arguments_that_were_approved(kind: Kind, change: Approval) -> None:
    """The tool gets the changed input and the answers; the other calls their own."""
    ran: list[Execution] = []

    def run(execution: Execution) -> str:
        ran.append(execution)
        return "ok"

    script = [ask("a", {"n": 1}, run, id="c1"), ask("a", {"n": 2}, run, id="c2")]
    async with scene_of(kind, script) as scene:
        await scene.run(Notes({"c1": change, "c2": True})).get_final_message()
    changed: Any = {"n": 1} if change.updated_input is None else change.updated_input
    answers: Any = change.answers
    assert ran == [Execution(changed, answers), Execution({"n": 2})]
