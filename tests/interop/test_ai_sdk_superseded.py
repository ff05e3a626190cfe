# pyright: reportDeprecated=false
"""The published methods for one decision each, against the AI SDK 6 and 7: superseded by `run`, and still working."""

from collections.abc import Callable

import pytest
from ai_sdk import MAJORS, SDKChat, chat_with
from answers import read_all
from deciding import REASON, approvals, states

from kai_client import ChatStream, KaiBadRequestError, KaiError, KaiStreamError

pytestmark = pytest.mark.parametrize("major", MAJORS)

Decision = Callable[[SDKChat, str], ChatStream]
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
RESULTS: dict[str, Decision] = {
    "send_tool_result": lambda chat, call_id: chat.client.send_tool_result(chat.id, call_id, "query", {"rows": []}),
    "confirm_tool": lambda chat, call_id: chat.client.confirm_tool(chat.id, call_id, "query"),
    "deny_tool": lambda chat, call_id: chat.client.deny_tool(chat.id, call_id, "query"),
}


def superseded(decide: Decision, chat: SDKChat, wanted: str) -> ChatStream:
    """The stream of a method that warns that `run` has taken its place."""
    with pytest.warns(DeprecationWarning, match=r"client\.run"):
        return decide(chat, wanted)


@pytest.mark.parametrize("decide", APPROVALS.values(), ids=APPROVALS)
async def test_superseded_approval(major: str, decide: Decision, ai_sdk_url: str) -> None:
    """An approval runs the call, and the model goes on."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        (request,) = (await chat.say()).requests
        ours = await read_all(superseded(decide, chat, request.approval_id))
        said = await chat.expected()
    assert ours.message == said.message
    assert approvals(ours.parts) == {"call-1-1": {"id": request.approval_id, "approved": True}}
    assert (states(ours), ours.text) == (["output-available"], "So: call-1-1 was done.")


@pytest.mark.parametrize("decide", DENIALS.values(), ids=DENIALS)
async def test_superseded_denial(major: str, decide: Decision, ai_sdk_url: str) -> None:
    """A denial reaches the SDK with its reason, and the call does not run."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        (request,) = (await chat.say()).requests
        ours = await read_all(superseded(decide, chat, request.approval_id))
        said = await chat.expected()
    assert ours.message == said.message
    assert approvals(ours.parts) == {"call-1-1": {"id": request.approval_id, "approved": False, "reason": REASON}}
    assert (states(ours), ours.text) == (["output-denied"], "So: call-1-1 was refused.")


async def test_two_superseded_decisions(major: str, ai_sdk_url: str) -> None:
    """Of two requests in one step the first decision runs its call, and the SDK ends that stream with an error chunk
    until the second is decided as well; then the model goes on with both outcomes.
    """
    async with chat_with(ai_sdk_url, major, "two-approvals") as chat:
        first, second = (await chat.say()).requests
        stream = superseded(APPROVALS["approve_tool"], chat, first.approval_id)
        with pytest.raises(KaiStreamError) as raised:
            await stream.get_final_text()
        halfway = await chat.expected()
        ours = await read_all(superseded(DENIALS["reject_tool"], chat, second.approval_id))
        said = await chat.expected()
        posted = await chat.posted()
    assert (raised.value.code, raised.value.message) == ("stream:error", halfway.errors[0])
    assert states(halfway) == ["output-available", "approval-requested"]
    assert [post.complete for post in posted] == [False, False, True]
    assert ours.message == said.message
    assert states(said) == ["output-available", "output-denied"]
    assert ours.text.startswith("Told: call-1-1 json ")


@pytest.mark.parametrize("decide", [*APPROVALS.values(), *DENIALS.values()], ids=[*APPROVALS, *DENIALS])
async def test_wrong_approval_id(major: str, decide: Decision, ai_sdk_url: str) -> None:
    """An id that no message asks for is a `KaiError` with `approval:not_found`, and nothing is posted."""
    async with chat_with(ai_sdk_url, major, "approval") as chat:
        (request,) = (await chat.say()).requests
        before = await chat.expected()
        stream = superseded(decide, chat, request.tool_call_id)
        with pytest.raises(KaiError) as raised:
            await stream.get_final_text()
        assert await chat.expected() == before
        assert len(await chat.posted()) == 1
    assert raised.value.code == "approval:not_found"


@pytest.mark.parametrize("decide", RESULTS.values(), ids=RESULTS)
async def test_oldest_answer(major: str, decide: Decision, ai_sdk_url: str) -> None:
    """A tool result in a user's message is one of the oldest backends: a server that validates with the SDK refuses it."""
    async with chat_with(ai_sdk_url, major, "client-tool") as chat:
        await chat.say()
        stream = superseded(decide, chat, "call-1-1")
        with pytest.raises(KaiBadRequestError) as raised:
            await stream.get_final_text()
    assert "AI_TypeValidationError" in raised.value.message
