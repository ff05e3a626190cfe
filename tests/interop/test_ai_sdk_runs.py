"""`run` against the AI SDK 6 and 7: every call of a step is decided, and answered in one post (protocol 2.4)."""

from itertools import pairwise
from typing import Any

import pytest
from ai_sdk import MAJORS, SDKChat, chat_with
from deciding import DONE, REASON, REFUSED, Asked, agreed, approvals, decision, states, told, tool_parts

from kai_client import (
    Denial,
    FinishEvent,
    Ruling,
    SSEEvent,
    StartEvent,
    ToolApprovalResponseEvent,
    approve_all,
    by_id,
)

pytestmark = pytest.mark.parametrize("major", MAJORS)

SALES = {"created": "in.c-sales"}
POLICY_FAILED = "The approval policy of this client failed."


@pytest.mark.parametrize(
    ("rulings", "outcomes", "text"),
    [
        pytest.param(
            (True, True),
            ["output-available", "output-available"],
            told(_1=DONE % "sales", _2=DONE % "stock"),
            id="both",
        ),
        pytest.param(
            (Denial(reason=REASON), Denial(reason=REASON)),
            ["output-denied", "output-denied"],
            told(_1=REFUSED, _2=REFUSED),
            id="neither",
        ),
        pytest.param(
            (True, Denial(reason=REASON)),
            ["output-available", "output-denied"],
            told(_1=DONE % "sales", _2=REFUSED),
            id="the first",
        ),
        pytest.param(
            (False, True),
            ["output-denied", "output-available"],
            told(_1="execution-denied null", _2=DONE % "stock"),
            id="the second",
        ),
    ],
)
async def test_two_calls_in_one_post(
    major: str, rulings: tuple[Ruling, Ruling], outcomes: list[str], text: str, ai_sdk_url: str
) -> None:
    """Two calls that wait together are answered in one post, which the SDK finds complete; the model goes on with both
    outcomes, and the message is the SDK's own.
    """
    async with chat_with(ai_sdk_url, major, "two-approvals") as chat:
        policy = Asked(dict(zip(("call-1-1", "call-1-2"), rulings, strict=True)))
        ours = await chat.run(approve=policy)
        said = await agreed(chat, ours)
        question, answer = await chat.posted()
    assert policy.ids == ["call-1-1", "call-1-2"]
    assert (question.message["role"], answer.message["role"]) == ("user", "assistant")
    assert answer.complete
    assert answer.message["id"] == ours.message["id"]
    assert states(ours) == states(said) == outcomes
    assert approvals(answer.parts) == approvals(said.parts)
    assert [call["approved"] for call in approvals(said.parts).values()] == [ruling is True for ruling in rulings]
    assert ours.text == text


async def test_three_steps_that_ask(major: str, ai_sdk_url: str) -> None:
    """An answer whose steps ask three times is one run: one start, one finish, one message that grows and never changes
    what it has said, one post for each step.
    """
    async with chat_with(ai_sdk_url, major, "three-approvals") as chat:
        stream = chat.client.run(chat.id, "Go", approve=approve_all)
        texts: list[str] = []
        ids: list[str] = []
        events: list[SSEEvent] = []
        async for event in stream:
            events.append(event)
            ids.append(stream.message.id)
            texts.append(stream.text)
        said = await chat.expected()
        stored = await chat.stored()
        posted = await chat.posted()
    assert said.errors == []
    assert [message["role"] for message in stored] == ["user", "assistant"]
    assert stream.message.to_dict() == said.message == stored[1]
    assert len(set(ids)) == 1
    assert all(later.startswith(earlier) for earlier, later in pairwise(texts))
    kinds = [type(event) for event in events]
    assert (kinds[0], kinds.count(StartEvent), kinds[-1], kinds.count(FinishEvent)) == (StartEvent, 1, FinishEvent, 1)
    assert kinds.count(ToolApprovalResponseEvent) == 3
    assert [(post.message["role"], post.complete) for post in posted[1:]] == [("assistant", True)] * 3
    results = told(_1=DONE % "sales", _2=DONE % "stock", _3=DONE % "shops")
    assert stream.text == f"First this.And this.{results}"


async def test_denial_between_approvals(major: str, ai_sdk_url: str) -> None:
    """A denial does not end a run: the model is told, and what it asks next is decided for itself."""
    async with chat_with(ai_sdk_url, major, "three-approvals") as chat:
        policy = Asked({"call-1-1": True, "call-1-2": Denial(reason=REASON), "call-1-3": True})
        ours = await chat.run(approve=policy)
        await agreed(chat, ours)
        assert len(await chat.posted()) == 4
    assert policy.ids == ["call-1-1", "call-1-2", "call-1-3"]
    assert states(ours) == ["output-available", "output-denied", "output-available"]
    assert REASON in ours.text


async def test_one_of_three_waits(major: str, ai_sdk_url: str) -> None:
    """Of three calls in a step only the one that waits is asked about; what ran by itself is sent back as it is."""
    async with chat_with(ai_sdk_url, major, "one-of-three") as chat:
        policy = Asked({"call-1-2": True})
        ours = await chat.run(approve=policy)
        await agreed(chat, ours)
        _, answer = await chat.posted()
    assert policy.ids == ["call-1-2"]
    assert [part["state"] for part in tool_parts(answer.parts)] == [
        "output-available",
        "approval-responded",
        "output-available",
    ]
    assert ours.text == told(_1='json {"rows":["SELECT 1"]}', _2=DONE % "sales", _3='text "noon"')


@pytest.mark.parametrize("ruling", [True, Denial(reason=REASON)], ids=["approved", "denied"])
async def test_dynamic_tool(major: str, ruling: Ruling, ai_sdk_url: str) -> None:
    """A tool whose schema is known at run time only, as those of MCP servers, asks and is decided like any other."""
    async with chat_with(ai_sdk_url, major, "dynamic-approval") as chat:
        policy = Asked({"call-1-1": ruling})
        ours = await chat.run(approve=policy)
        await agreed(chat, ours)
    (call,) = policy.calls
    assert (call.tool_name, call.title, call.input) == ("mcp_write", "Write", {"term": "orders"})
    assert [part["type"] for part in tool_parts(ours.parts)] == ["dynamic-tool"]
    assert ours.text == told(_1='json ["orders written"]' if ruling is True else REFUSED)


async def pending(chat: SDKChat, *call_ids: str) -> dict[str, str]:
    """Asks, and leaves every call pending; the approval ids by call id."""
    ours = await chat.run(approve=lambda _: None)
    assert ours.chunks == (await chat.expected()).chunks
    assert len(await chat.posted()) == 1
    ids = {request.tool_call_id: request.approval_id for request in ours.requests}
    assert list(ids) == list(call_ids)
    return ids


@pytest.mark.parametrize("by", ["approval id", "call id"])
async def test_decided_later_by_another_client(major: str, by: str, ai_sdk_url: str) -> None:
    """A policy that returns None leaves the calls pending and posts nothing; another client goes on later, with decisions
    by approval id or by call id.
    """
    rulings: dict[str, Ruling] = {"call-1-1": True, "call-1-2": Denial(reason=REASON)}
    async with chat_with(ai_sdk_url, major, "two-approvals") as chat:
        ids = await pending(chat, *rulings)
    async with chat_with(ai_sdk_url, major, "two-approvals", chat.id) as later:
        keys = ids if by == "approval id" else {call_id: call_id for call_id in ids}
        ours = await later.run(None, approve=by_id({keys[call_id]: ruling for call_id, ruling in rulings.items()}))
        said = await agreed(later, ours)
        assert len(await later.posted()) == 2
    assert ours.chunks == [*(decision(ids[call_id], ruling) for call_id, ruling in rulings.items()), *said.chunks]
    assert ours.text == told(_1=DONE % "sales", _2=REFUSED)


async def test_half_decided(major: str, ai_sdk_url: str) -> None:
    """While one of two calls stays pending nothing is posted, and the decision about the other is made again later."""
    async with chat_with(ai_sdk_url, major, "two-approvals") as chat:
        ours = await chat.run(approve=by_id({"call-1-1": True}))
        assert states(ours) == states(await chat.expected()) == ["approval-requested"] * 2
        assert len(await chat.posted()) == 1
        policy = Asked({"call-1-1": False, "call-1-2": True})
        ours = await chat.run(None, approve=policy)
        await agreed(chat, ours)
    assert policy.ids == ["call-1-1", "call-1-2"]
    assert ours.text == told(_1="execution-denied null", _2=DONE % "stock")


async def test_policy_that_raises(major: str, ai_sdk_url: str) -> None:
    """A policy that raises denies: the SDK is told so of its call and of the next, and the exception reaches the user."""
    async with chat_with(ai_sdk_url, major, "two-approvals") as chat:
        failure = RuntimeError("The form is gone")

        def decide(_: object) -> bool:
            raise failure

        with pytest.raises(RuntimeError) as raised:
            await chat.run(approve=decide)
        _, answer = await chat.posted()
    assert raised.value is failure
    assert answer.complete
    first, second = approvals(answer.parts).values()
    assert (first["approved"], first["reason"]) == (False, POLICY_FAILED)
    assert second["approved"] is False


async def test_policy_that_raises_later(major: str, ai_sdk_url: str) -> None:
    """A policy that raises in a later step takes nothing back of what it approved before."""
    async with chat_with(ai_sdk_url, major, "three-approvals") as chat:

        def decide(call: Any) -> bool:
            if call.tool_call_id == "call-1-2":
                raise RuntimeError("The form is gone")
            return True

        stream = chat.client.run(chat.id, "Go", approve=decide)
        with pytest.raises(RuntimeError, match="The form is gone"):
            await stream.get_final_text()
        posted = await chat.posted()
    assert len(posted) == 3
    first, second = tool_parts(posted[-1].parts)
    assert (first["state"], first["output"]) == ("output-available", SALES)
    assert approvals(posted[-1].parts)["call-1-2"]["approved"] is False
    assert second["state"] == "approval-responded"
