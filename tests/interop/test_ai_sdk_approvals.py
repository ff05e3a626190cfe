"""One decision for the AI SDK 6 and 7, whose answer opens a new stream (protocol 2.4)."""

import pytest
from ai_sdk import MAJORS, Expected, SDKChat, chat_with
from answers import Answer, parts_of
from deciding import REASON, Asked, agreed, approvals, decision, states, tool_parts

from kai_client import Denial, KaiNotFoundError, KaiStreamError, Ruling, StartEvent, ToolApprovalRequestEvent, by_id

pytestmark = pytest.mark.parametrize("major", MAJORS)

BUCKET = {"created": "in.c-sales"}
RULINGS = pytest.mark.parametrize("ruling", [True, Denial(reason=REASON)], ids=["approved", "denied"])


async def asked_for(chat: SDKChat, text: str = "Make a bucket") -> tuple[Answer, ToolApprovalRequestEvent]:
    """The answer that asks, which is left pending, and its one request."""
    answer = await chat.run(text, approve=lambda _: None)
    (request,) = answer.requests
    return answer, request


def assert_same_continuation(
    ours: Answer, asked: Answer, said: Expected, request: ToolApprovalRequestEvent, ruling: Ruling
) -> None:
    """A continuation says what was decided, and then what the SDK adds to the message: chunks, text, outcomes and finish."""
    assert ours.chunks == [decision(request.approval_id, ruling), *said.chunks]
    assert ours.message == said.message
    assert asked.text + ours.text == said.text
    assert ours.finish_reason == said.finish_reason
    theirs = {call["toolCallId"]: call for call in said.tool_calls}
    for call in ours.tool_calls:
        outcome = theirs[call["toolCallId"]]
        assert [call[key] for key in ("state", "output", "errorText")] == [
            outcome[key] for key in ("state", "output", "errorText")
        ]


async def test_request(major: str, ai_sdk_url: str) -> None:
    """The stream that asks ends well: the call waits under its approval id, and the finish reason says so."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        ours = await chat.say("Make a bucket")
        said = await chat.expected()
    (request,) = ours.requests
    (call,) = ours.tool_calls
    assert (call["toolName"], call["state"], call["input"]) == (
        "create_bucket",
        "approval-requested",
        {"name": "sales"},
    )
    assert approvals(ours.parts) == approvals(said.parts) == {request.tool_call_id: {"id": request.approval_id}}
    assert ours.finish_reason == "tool-calls"


async def test_approved(major: str, ai_sdk_url: str) -> None:
    """An approved call runs: the new stream begins with its output, and the model goes on from it."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        asked, request = await asked_for(chat)
        ours = await chat.run(None, approve=by_id({request.approval_id: True}))
        said = await chat.expected()
    assert_same_continuation(ours, asked, said, request, ruling=True)
    assert [(call["state"], call["output"]) for call in ours.tool_calls] == [("output-available", BUCKET)]
    assert ours.text == "So: call-1-1 was done."
    assert tool_parts(said.parts)[0]["approval"] == {"id": request.approval_id, "approved": True}


async def test_denied(major: str, ai_sdk_url: str) -> None:
    """A denied call does not run: it ends as denied, the SDK keeps the reason, and the model is told."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        asked, request = await asked_for(chat)
        ours = await chat.run(None, approve=by_id({request.approval_id: Denial(reason=REASON)}))
        said = await chat.expected()
    assert_same_continuation(ours, asked, said, request, Denial(reason=REASON))
    assert [(call["state"], call["output"]) for call in ours.tool_calls] == [("output-denied", None)]
    assert ours.text == "So: call-1-1 was refused."
    assert tool_parts(said.parts)[0]["approval"] == {"id": request.approval_id, "approved": False, "reason": REASON}


@RULINGS
async def test_run_is_one_answer(major: str, ruling: Ruling, ai_sdk_url: str) -> None:
    """A run hands out what the SDK sent in both streams, with the decision between them, and neither the `finish` of the
    first nor the `start` of the second.
    """
    asked: list[Expected] = []
    async with chat_with(ai_sdk_url, major, "approval") as chat:

        async def decide(_: object) -> Ruling:
            asked.append(await chat.expected())
            return ruling

        ours = await chat.run("Make a bucket", approve=decide)
        said = await agreed(chat, ours)
    *before, finish = asked[0].chunks
    start, *after = said.chunks
    (request,) = ours.requests
    assert (finish["type"], start["type"]) == ("finish", "start")
    assert ours.chunks == [*before, decision(request.approval_id, ruling), *after]


@RULINGS
async def test_continuation_is_the_same_message(major: str, ruling: Ruling, ai_sdk_url: str) -> None:
    """The decision continues the message that asked, under its id: the chat gets no further message, and no part is lost."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        asked, request = await asked_for(chat)
        ours = await chat.run(None, approve=by_id({request.tool_call_id: ruling}))
        stored = (await chat.client.get_chat(chat.id)).messages
        said = await chat.expected()
    _, began, *_ = ours.events
    assert isinstance(began, StartEvent)
    assert began.message_id == ours.message["id"] == asked.message["id"]
    assert [message.role for message in stored] == ["user", "assistant"]
    assert stored[1].to_dict() == said.message
    assert said.parts[:2] == asked.parts[:2]


async def test_final_text_of_a_continuation(major: str, ai_sdk_url: str) -> None:
    """`get_final_text()` of an answer that goes on is the text that the model wrote after the decision."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        _, request = await asked_for(chat)
        stream = chat.client.run(chat.id, approve=by_id({request.approval_id: True}))
        assert await stream.get_final_text() == "So: call-1-1 was done."


async def test_decision_on_the_newer_of_two_requests(major: str, ai_sdk_url: str) -> None:
    """A chat that asked twice, in two answers, is asked about the newer request only."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        await chat.run("One", approve=lambda _: True)
        asked, request = await asked_for(chat, "Two")
        policy = Asked({request.tool_call_id: False})
        ours = await chat.run(None, approve=policy)
        said = await chat.expected()
    assert_same_continuation(ours, asked, said, request, ruling=False)
    assert policy.ids == ["call-2-1"]
    assert ours.text == "So: call-2-1 was refused."


async def test_wrong_id(major: str, ai_sdk_url: str) -> None:
    """Decisions under ids that nothing asks for decide nothing: nothing is posted, and the call still waits."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        _, request = await asked_for(chat)
        before = await chat.expected()
        ours = await chat.run(None, approve=by_id({"call-9": True, request.approval_id.upper(): True}))
        assert await chat.expected() == before
        assert len(await chat.posted()) == 1
    assert states(ours) == ["approval-requested"]
    assert ours.events == []


async def test_nothing_waits(major: str, ai_sdk_url: str) -> None:
    """A chat in which no call waits is a `KaiNotFoundError` with `approval:none_waiting`, and nothing is posted."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        _, request = await asked_for(chat)
        decisions = by_id({request.approval_id: True})
        await chat.run(None, approve=decisions)
        with pytest.raises(KaiNotFoundError) as raised:
            await chat.run(None, approve=decisions)
        assert len(await chat.posted()) == 2
    assert raised.value.code == "approval:none_waiting"


async def test_message_instead_of_a_decision(major: str, ai_sdk_url: str) -> None:
    """A message past a call that waits: version 6 cannot go on, which is one `KaiStreamError`; version 7 forgets the call,
    answers, and a later decision is about what the new answer asks.
    """
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        await asked_for(chat)
        stream = chat.client.send_message(chat.id, "Never mind")
        if major == "v6":
            with pytest.raises(KaiStreamError) as raised:
                await stream.get_final_text()
            assert [raised.value.message] == (await chat.expected()).errors
            return
        await stream.get_final_text()
        policy = Asked({"call-2-1": True})
        ours = await chat.run(None, approve=policy)
        said = await chat.expected()
        stored = await chat.stored()
    assert ours.message == said.message == stored[3]
    assert (policy.ids, ours.text) == (["call-2-1"], "So: call-2-1 was done.")
    assert [part["state"] for part in tool_parts(parts_of(stored[1]))] == ["approval-requested"]
