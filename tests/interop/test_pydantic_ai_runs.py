"""`run` against pydantic-ai's `VercelAIAdapter`, in the dialects of versions 6 and 7, which have approvals."""

from typing import Any

import pytest
from answers import Answer, JsonObject, parts_of
from deciding import REASON, Asked, approvals, decision, states, tool_parts
from pydantic_ai_chats import VERSIONS, AgentChat, Expected, chat_with

from kai_client import Denial, FinishEvent, Ruling, StartEvent, ToolApprovalResponseEvent, by_id

pytestmark = pytest.mark.parametrize("version", VERSIONS[1:])

OUTCOME = ("toolCallId", "toolName", "state", "input", "output", "errorText")
NO = Denial(reason=REASON)
SALES = "success {'created': 'in.c-sales'}"
STOCK = "success {'created': 'in.c-stock'}"
DENIED = f"denied {REASON}"


def said_in(parts: list[JsonObject]) -> list[Any]:
    """What the parts of messages say: calls with their outcome, and why one was denied; texts. Without what only one of the
    two ways to them has: ids, step marks, approvals of calls that ran.
    """
    said: list[Any] = []
    for part in parts:
        if part["type"] == "text":
            said.append(part["text"])
        for call in tool_parts([part]):
            approval: Any = call.get("approval") if call["state"] == "output-denied" else None
            denial = (approval["approved"], approval["reason"]) if approval else None
            said.append((*[call.get(key) for key in ("type", "toolCallId", "state", "input", "output")], denial))
    return said


async def agreed(chat: AgentChat, ours: Answer) -> Expected:
    """What pydantic-ai says of an answer that is over; fails where its run, or its messages, say anything else than we do."""
    theirs = await chat.expected()
    outcomes = [[call[key] for key in OUTCOME] for call in theirs.run.tool_calls]
    assert [[call[key] for key in OUTCOME] for call in ours.tool_calls] == outcomes
    assert ours.text == theirs.run.text
    assert ours.finish_reason == (theirs.run.finish_reason or "stop")
    stored = [part for message in await chat.stored() if message["role"] == "assistant" for part in parts_of(message)]
    assert said_in(ours.parts) == said_in(stored)
    return theirs


@pytest.mark.parametrize(
    ("ruling", "text"), [(True, f"So: call-1 {SALES}."), (NO, f"So: call-1 {DENIED}.")], ids=["approved", "denied"]
)
async def test_decision(version: str, ruling: Ruling, text: str, pydantic_ai_url: str) -> None:
    """A decision resumes the run in a new stream that continues the message: the call ends as decided, and a reason
    for a denial reaches the model.
    """
    async with chat_with(pydantic_ai_url, version, "approval") as chat:
        asked = await chat.run(approve=lambda _: None)
        (request,) = asked.requests
        stored = (await chat.client.get_chat(chat.id)).messages[-1]
        ours = await chat.run(None, approve=by_id({request.approval_id: ruling}))
        theirs = await agreed(chat, ours)
    assert ours.chunks == [decision(request.approval_id, ruling), *theirs.chunks]
    _, began, *_ = ours.events
    assert isinstance(began, StartEvent)
    assert began.message_id == stored.id
    assert ours.text == text
    assert states(ours) == ["output-available" if ruling is True else "output-denied"]


@pytest.mark.parametrize(
    ("rulings", "text"),
    [
        pytest.param((True, True), f"So: call-1 {SALES}, call-2 {STOCK}.", id="both"),
        pytest.param((NO, NO), f"So: call-1 {DENIED}, call-2 {DENIED}.", id="neither"),
        pytest.param((True, NO), f"So: call-1 {SALES}, call-2 {DENIED}.", id="the first"),
        pytest.param((NO, True), f"So: call-1 {DENIED}, call-2 {STOCK}.", id="the second"),
    ],
)
async def test_two_calls_in_one_post(
    version: str, rulings: tuple[Ruling, Ruling], text: str, pydantic_ai_url: str
) -> None:
    """Two calls that wait together are answered in one post; the run goes on with both outcomes, to the result and the
    message of pydantic-ai, and to the reader it is one answer.
    """
    async with chat_with(pydantic_ai_url, version, "two-approvals") as chat:
        policy = Asked(dict(zip(("call-1", "call-2"), rulings, strict=True)))
        ours = await chat.run(approve=policy)
        theirs = await agreed(chat, ours)
    assert policy.ids == ["call-1", "call-2"]
    _, answer = theirs.posted
    assert answer["role"] == "assistant"
    approved = [ruling is True for ruling in rulings]
    assert [approval["approved"] for approval in approvals(parts_of(answer)).values()] == approved
    assert [approval["approved"] for approval in approvals(ours.parts).values()] == approved
    assert ours.text == text
    assert ours.chunks[1 - len(theirs.chunks) :] == theirs.chunks[1:]
    kinds = [type(event) for event in ours.events]
    assert [kinds.count(kind) for kind in (StartEvent, ToolApprovalResponseEvent, FinishEvent)] == [1, 2, 1]


async def test_decided_later_by_another_client(version: str, pydantic_ai_url: str) -> None:
    """Calls that stay pending post nothing; another client goes on later, by approval id."""
    async with chat_with(pydantic_ai_url, version, "two-approvals") as chat:
        asked = await chat.run(approve=by_id({"call-1": True}))
        assert states(asked) == ["approval-requested"] * 2
        assert len((await chat.expected()).posted) == 1
        first, second = (request.approval_id for request in asked.requests)
    async with chat_with(pydantic_ai_url, version, "two-approvals", chat.id) as later:
        ours = await later.run(None, approve=by_id({first: NO, second: True}))
        theirs = await agreed(later, ours)
    assert ours.chunks == [decision(first, NO), decision(second, ruling=True), *theirs.chunks]
    assert ours.text == f"So: call-1 {DENIED}, call-2 {STOCK}."


async def test_message_is_named_by_the_continuation(version: str, pydantic_ai_url: str) -> None:
    """The first stream of pydantic-ai does not name its message; the continuation does, and so the run's message has a name."""
    async with chat_with(pydantic_ai_url, version, "approval") as chat:
        ours = await chat.run(approve=Asked({"call-1": True}))
        theirs = await chat.expected()
        stored = await chat.stored()
    assert ours.message["id"] == theirs.chunks[0]["messageId"] == stored[1]["id"]
