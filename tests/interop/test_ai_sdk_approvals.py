"""Approvals of the AI SDK 6 and 7, whose answer opens a new stream (protocol 2.4)."""

from collections.abc import Callable

import pytest
from ai_sdk import MAJORS, Expected, SDKChat, chat_with
from answers import Answer, JsonObject, read_all

from kai_client import ChatStream, KaiError, KaiStreamError, StartEvent

pytestmark = pytest.mark.parametrize("major", MAJORS)

Decision = Callable[[SDKChat, str], ChatStream]
REASON = "Not on a Friday"
APPROVALS: dict[str, Decision] = {
    "approve_tool": lambda chat, approval_id: chat.client.approve_tool(chat.id, approval_id),
    "send_tool_approval_response": lambda chat, approval_id: chat.client.send_tool_approval_response(
        chat.id, approval_id, approved=True
    ),
}
DENIALS: dict[str, Decision] = {
    "reject_tool": lambda chat, approval_id: chat.client.reject_tool(chat.id, approval_id, reason=REASON),
    "send_tool_approval_response": lambda chat, approval_id: chat.client.send_tool_approval_response(
        chat.id, approval_id, approved=False, reason=REASON
    ),
}
BUCKET = {"created": "in.c-sales"}


def tool_parts(said: Expected) -> list[JsonObject]:
    """The tool parts of the SDK's message."""
    return [part for part in said.parts if str(part["type"]).startswith("tool-")]


def assert_same_continuation(ours: Answer, asked: Expected, said: Expected) -> None:
    """A continuation says what the SDK adds to the message with it: chunks, text, outcomes and finish."""
    assert ours.chunks == said.chunks
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
        stream = chat.client.send_message(chat.id, "Make a bucket")
        (request,) = (await read_all(stream)).requests
        (part,) = tool_parts(await chat.expected())
    call = stream.tool_calls[request.tool_call_id]
    assert (call.tool_name, call.state, call.input) == ("create_bucket", "approval-requested", {"name": "sales"})
    assert call.approval is not None
    assert part["approval"] == {"id": request.approval_id} == call.approval.model_dump(exclude_none=True)
    assert stream.finish_reason == "tool-calls"


@pytest.mark.parametrize("decide", APPROVALS.values(), ids=APPROVALS)
async def test_approved(major: str, decide: Decision, ai_sdk_url: str) -> None:
    """An approved call runs: the new stream begins with its output, and the model goes on from it."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        (request,) = (await chat.say()).requests
        asked = await chat.expected()
        ours = await read_all(decide(chat, request.approval_id))
        said = await chat.expected()
    assert_same_continuation(ours, asked, said)
    assert [(call["state"], call["output"]) for call in ours.tool_calls] == [("output-available", BUCKET)]
    assert ours.text == "So: call-1-1 was done."
    assert tool_parts(said)[0]["approval"] == {"id": request.approval_id, "approved": True}


@pytest.mark.parametrize("decide", DENIALS.values(), ids=DENIALS)
async def test_denied(major: str, decide: Decision, ai_sdk_url: str) -> None:
    """A denied call does not run: it ends as denied, the SDK keeps the reason, and the model is told."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        (request,) = (await chat.say()).requests
        asked = await chat.expected()
        ours = await read_all(decide(chat, request.approval_id))
        said = await chat.expected()
    assert_same_continuation(ours, asked, said)
    assert [(call["state"], call["output"]) for call in ours.tool_calls] == [("output-denied", None)]
    assert ours.text == "So: call-1-1 was refused."
    assert tool_parts(said)[0]["approval"] == {"id": request.approval_id, "approved": False, "reason": REASON}


@pytest.mark.parametrize("approved", [True, False])
async def test_continuation_is_the_same_message(major: str, approved: bool, ai_sdk_url: str) -> None:
    """The decision continues the message that asked, under its id: the chat gets no further message, and no part is lost."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        asked = await chat.say()
        (request,) = asked.requests
        stream = chat.client.send_tool_approval_response(chat.id, request.approval_id, approved)
        ours = await read_all(stream)
        stored = (await chat.client.get_chat(chat.id)).messages
        said = await chat.expected()
    assert isinstance(ours.events[0], StartEvent)
    assert ours.events[0].message_id == ours.message["id"] == asked.message["id"]
    assert [message.role for message in stored] == ["user", "assistant"]
    assert stored[1].to_dict() == said.message
    assert said.parts[:2] == asked.parts[:2]


async def test_final_text_of_a_continuation(major: str, ai_sdk_url: str) -> None:
    """`get_final_text()` of a decision is the text that the model wrote after it."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        (request,) = (await chat.say()).requests
        assert await chat.client.approve_tool(chat.id, request.approval_id).get_final_text() == "So: call-1-1 was done."


async def test_decision_on_the_newer_of_two_requests(major: str, ai_sdk_url: str) -> None:
    """A chat that asked twice, in two answers, is decided by the id of the newer request."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        (first,) = (await chat.say("One")).requests
        await read_all(chat.client.approve_tool(chat.id, first.approval_id))
        (second,) = (await chat.say("Two")).requests
        asked = await chat.expected()
        ours = await read_all(chat.client.reject_tool(chat.id, second.approval_id))
        said = await chat.expected()
    assert_same_continuation(ours, asked, said)
    assert ours.text == "So: call-2-1 was refused."


async def test_two_approvals_one_after_the_other(major: str, ai_sdk_url: str) -> None:
    """Of two requests in one step the first decision runs its call, and the SDK ends that stream with an error chunk
    until the second is decided as well; then the model goes on with both outcomes.
    """
    async with chat_with(ai_sdk_url, major, "two-approvals") as chat:
        first, second = (await chat.say()).requests
        asked = await chat.expected()
        with pytest.raises(KaiStreamError) as raised:
            await chat.client.approve_tool(chat.id, first.approval_id).get_final_text()
        halfway = await chat.expected()
        ours = await read_all(chat.client.reject_tool(chat.id, second.approval_id, reason=REASON))
        said = await chat.expected()
    assert (raised.value.code, raised.value.message) == ("stream:error", halfway.errors[0])
    assert [call["state"] for call in halfway.tool_calls] == ["output-available", "approval-requested"]
    assert_same_continuation(ours, asked, said)
    assert [call["state"] for call in said.tool_calls] == ["output-available", "output-denied"]
    assert ours.text == "So: call-1-1 was done, call-1-2 was refused."
    assert said.message["id"] == asked.message["id"] == ours.message["id"]


@pytest.mark.parametrize("decide", [*APPROVALS.values(), *DENIALS.values()], ids=[*APPROVALS, *DENIALS])
async def test_wrong_approval_id(major: str, decide: Decision, ai_sdk_url: str) -> None:
    """An id that no message asks for is a `KaiError` with `approval:not_found`, and nothing is posted."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        (request,) = (await chat.say()).requests
        before = await chat.expected()
        with pytest.raises(KaiError) as raised:
            await decide(chat, request.tool_call_id).get_final_text()
        assert await chat.expected() == before
    assert raised.value.code == "approval:not_found"
