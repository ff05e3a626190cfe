"""Tool approval in the style of the published documentation, all three flows (protocol 2.4 and 2.5)."""

# pyright: reportDeprecated=false

# mypy: disable-error-code="union-attr"

from collections.abc import Callable, Iterator

import httpx
import pytest
import respx
from mocked import ANSWER, DONE, KAI, PENDING, STORAGE, TOKEN, chat_answers, mocked_stack, posted

from kai_client import (
    ChatStream,
    KaiClient,
    KaiError,
    KaiNotFoundError,
    SSEStreamParser,
    TextEvent,
    ToolApprovalRequestEvent,
)

pytestmark = pytest.mark.filterwarnings("ignore:Use client.run:DeprecationWarning")


@pytest.fixture
def kai() -> Iterator[respx.MockRouter]:
    """A mocked stack."""
    with mocked_stack() as router:
        yield router


async def test_approval_on_the_agent(kai: respx.MockRouter) -> None:
    """On kai-agent a call is approved from inside the loop; a 404 means that nobody waits."""
    chat_answers(kai, ANSWER)
    answer = {"success": True, "toolUseId": "c1", "approved": True}
    not_found = {"error": {"type": "not_found", "surface": "approval", "message": "no pending approval"}}
    answers = [httpx.Response(200, json=answer), httpx.Response(404, json=not_found)]
    route = kai.post(f"{KAI}/api/chat/c/approval").mock(side_effect=answers)
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        async for event in client.send_message("c", "Create a bucket"):
            if event.type == "tool-call" and event.state == "input-available":
                result = await client.submit_approval("c", event.tool_call_id, True, reason="fine")
                assert posted(route) == {"toolUseId": "c1", "approved": True, "reason": "fine"}
                assert (result.success, result.tool_use_id, result.approved) == (True, "c1", True)
                with pytest.raises(KaiNotFoundError):
                    await client.submit_approval("c", event.tool_call_id, approved=False, updated_input={"a": 1})


async def test_approval_on_the_assistant(kai: respx.MockRouter) -> None:
    """On kai-assistant a request is answered after its stream; the answer comes in a new one."""
    part = {"type": "tool-create_bucket", "toolCallId": "c1", "state": "approval-requested", "approval": {"id": "ap1"}}
    stored = {"id": "c", "messages": [{"id": "m1", "role": "assistant", "parts": [part]}]}
    kai.get(f"{KAI}/api/chat/c").respond(json=stored)
    route = chat_answers(kai, PENDING, DONE, DONE, DONE)
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        pending: list[ToolApprovalRequestEvent] = []
        async for event in client.send_message("c", "Create a bucket"):
            if isinstance(event, ToolApprovalRequestEvent):
                pending.append(event)  # noqa: PERF401 - as scripts do it
        shown = ""
        async for event in client.approve_tool(chat_id="c", approval_id=pending[0].approval_id, reason="fine"):
            if isinstance(event, TextEvent):
                shown += event.text
        assert shown == "Done"
        (answered,) = posted(route)["message"]["parts"]
        assert answered["state"] == "approval-responded"
        assert answered["approval"] == {"id": "ap1", "approved": True, "reason": "fine"}
        assert [event.type async for event in client.reject_tool("c", "ap1")][-1] == "finish"
        assert posted(route)["message"]["parts"][0]["approval"] == {"id": "ap1", "approved": False}
        last = client.send_tool_approval_response("c", "ap1", True)
        assert [event.type async for event in last] == ["tool-call", "text", "finish"]
        with pytest.raises(KaiError, match="approval:not_found"):
            await anext(client.approve_tool("c", "another"))


async def test_tool_results(kai: respx.MockRouter) -> None:
    """The oldest flow: a call that stayed pending is confirmed or denied with a tool result."""
    route = chat_answers(kai, PENDING, DONE, DONE, DONE)
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        parser = SSEStreamParser()
        async for event in client.send_message("c", "Create a bucket"):
            parser.process_event(event)
        (call,) = parser.tool_calls.values()
        assert call.tool_name is not None
        for stream, result in [
            (client.confirm_tool("c", call.tool_call_id, call.tool_name), "confirmed"),
            (client.deny_tool("c", call.tool_call_id, call.tool_name, branch_id=1), "denied"),
            (client.send_tool_result("c", "c1", "create_bucket", "later", visibility="public"), "later"),
        ]:
            assert [event.type async for event in stream] == ["tool-call", "text", "finish"]
            (part,) = posted(route)["message"]["parts"]
            expected = {"type": "tool-result", "toolCallId": "c1", "toolName": "create_bucket", "result": result}
            assert part == expected


SUPERSEDED: dict[str, Callable[[KaiClient], ChatStream]] = {
    "send_tool_approval_response": lambda client: client.send_tool_approval_response("c", "ap1", approved=True),
    "approve_tool": lambda client: client.approve_tool("c", "ap1"),
    "reject_tool": lambda client: client.reject_tool("c", "ap1"),
    "send_tool_result": lambda client: client.send_tool_result("c", "c1", "t", "confirmed"),
    "confirm_tool": lambda client: client.confirm_tool("c", "c1", "t"),
    "deny_tool": lambda client: client.deny_tool("c", "c1", "t"),
}


@pytest.mark.parametrize("name", SUPERSEDED)
async def test_superseded_methods_name_their_successor(name: str) -> None:
    """Each warns once, when it is called, at the caller's own line, and names `client.run`."""
    async with KaiClient(TOKEN, STORAGE, KAI) as client:
        with pytest.warns(DeprecationWarning, match=r"client\.run\(chat_id, text, approve=policy\)") as warned:
            SUPERSEDED[name](client)
    assert [warning.filename for warning in warned] == [__file__]
