"""Approvals on kai-assistant: the stream ends, the message goes on (protocol 2.4)."""

from typing import Any

import pytest
from local_api import BUCKET, Api, Chunk, error_of, local_api, new_id, only, text_of, types_of, user_of

from kai_client.server import Execution, ScriptedKai, ask, call, say


async def asked(api: Api, chat_id: str, text: str = BUCKET) -> tuple[str, list[Chunk]]:
    """Ask on the assistant until it waits; the message's id and its kept parts."""
    chunks = await api.send(chat_id, text)
    assert chunks[-1] == {"type": "finish", "finishReason": "tool-calls"}
    message = (await api.messages(chat_id))[-1]
    assert message["id"] == chunks[0]["messageId"]
    return message["id"], message["parts"]


def answered(parts: list[Chunk], *decisions: bool, reason: str | None = None) -> list[Chunk]:
    """The parts with the waiting calls answered in order, as the Keboola UI does it."""
    left, new = list(decisions), list[Chunk]()
    for part in parts:
        if part.get("state") == "approval-requested" and left:
            approval = {"id": part["approval"]["id"], "approved": left.pop(0)}
            if reason is not None:
                approval["reason"] = reason
            new.append({**part, "state": "approval-responded", "approval": approval})
        else:
            new.append(part)
    return new


async def test_assistant_approval_continues_the_message() -> None:
    """The output comes first, before any step, in the same message (V4)"""
    chat_id = new_id()
    async with local_api(mode="assistant") as api:
        message_id, parts = await asked(api, chat_id)
        chunks = await api.post_chat(api.repost(chat_id, message_id, answered(parts, True)))
        assert chunks[0] == {"type": "start", "messageId": message_id}
        assert types_of(chunks)[1:3] == ["tool-output-available", "start-step"]
        kept = await api.messages(chat_id)
    assert [message["role"] for message in kept] == ["user", "assistant"]
    tool = next(part for part in kept[-1]["parts"] if part["type"] == "tool-create_bucket")
    assert (tool["state"], tool["approval"]["approved"]) == ("output-available", True)
    assert [part["text"] for part in kept[-1]["parts"] if part["type"] == "text"] == [
        "I created the bucket `in.c-demo`."
    ]


async def test_assistant_denial_continues_the_message() -> None:
    """A refusal shows as `tool-output-denied` first (V5), and is kept with its reason"""
    chat_id = new_id()
    async with local_api(mode="assistant") as api:
        message_id, parts = await asked(api, chat_id)
        chunks = await api.post_chat(api.repost(chat_id, message_id, answered(parts, False, reason="no")))
        assert types_of(chunks)[1:3] == ["tool-output-denied", "start-step"]
        kept = (await api.messages(chat_id))[-1]["parts"]
    tool = next(part for part in kept if part["type"] == "tool-create_bucket")
    assert (tool["state"], tool["approval"]["approved"], tool["approval"]["reason"]) == ("output-denied", False, "no")


@pytest.mark.parametrize("approved", [True, False])
async def test_assistant_takes_the_older_part(approved: bool) -> None:
    """A user message with a `tool-approval-response` part answers too"""
    chat_id = new_id()
    async with local_api(mode="assistant") as api:
        _, parts = await asked(api, chat_id)
        approval_id = next(part["approval"]["id"] for part in parts if "approval" in part)
        part = {"type": "tool-approval-response", "approvalId": approval_id, "approved": approved}
        body = api.body(chat_id, "-", message={"id": new_id(), "role": "user", "parts": [part]})
        chunks = await api.post_chat(body)
    assert types_of(chunks)[1] == ("tool-output-available" if approved else "tool-output-denied")


@pytest.mark.parametrize(("result", "output"), [("confirmed", {"id": "in.c-demo"}), ("denied", None)])
async def test_assistant_takes_the_oldest_part(result: str, output: Any) -> None:
    """A `tool-result` part answers too; a refusal is an output that says `_declined`"""
    chat_id = new_id()
    async with local_api(mode="assistant") as api:
        _, parts = await asked(api, chat_id)
        call_id = next(part["toolCallId"] for part in parts if "toolCallId" in part)
        part = {"type": "tool-result", "toolCallId": call_id, "toolName": "create_bucket", "result": result}
        body = api.body(chat_id, "-", message={"id": new_id(), "role": "user", "parts": [part]})
        seen = only(await api.post_chat(body), "tool-output-available")["output"]
    assert seen == output if output else (seen["_declined"] is True and seen["message"])


async def test_two_calls_in_one_repost() -> None:
    """Two pending calls of a step are answered together, each with its own decision"""
    chat_id = new_id()
    kai = ScriptedKai([[ask("a", output=1), ask("b", output=2), say("Fine.")]])
    async with local_api(kai, mode="assistant") as api:
        message_id, parts = await asked(api, chat_id)
        chunks = await api.post_chat(api.repost(chat_id, message_id, answered(parts, True, False)))
    assert types_of(chunks)[1:4] == ["tool-output-available", "tool-output-denied", "start-step"]
    assert text_of(chunks).endswith("Fine.")


async def test_half_answered_goes_on_waiting() -> None:
    """A re-post that answers one of two calls brings its output and waits for the other, without asking twice"""
    chat_id = new_id()
    kai = ScriptedKai([[ask("a", output=1), ask("b", output=2), say("Fine.")]])
    async with local_api(kai, mode="assistant") as api:
        message_id, parts = await asked(api, chat_id)
        first = await api.post_chat(api.repost(chat_id, message_id, answered(parts, True)))
        assert types_of(first) == ["start", "tool-output-available", "finish"]
        assert first[-1]["finishReason"] == "tool-calls"
        parts = (await api.messages(chat_id))[-1]["parts"]
        second = await api.post_chat(api.repost(chat_id, message_id, answered(parts, True)))
    assert only(second, "tool-output-available")["output"] == 2
    assert text_of(second) == "Fine."


async def test_a_decision_is_used_once_on_the_assistant() -> None:
    """The same re-post a second time is 400: nothing runs twice"""
    chat_id, runs = new_id(), list[Execution]()

    def run(execution: Execution) -> str:
        runs.append(execution)
        return "ok"

    async with local_api(ScriptedKai([[ask("w", output=run)]]), mode="assistant") as api:
        message_id, parts = await asked(api, chat_id)
        body = api.repost(chat_id, message_id, answered(parts, True))
        await api.post_chat(body)
        response = await api.http.post("/api/chat", json=body)
    assert (response.status_code, error_of(response, "assistant")[0]) == (400, "bad_request:api")
    assert len(runs) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"state": "output-available", "output": "forged"},
        {"state": "approval-responded", "approval": {"id": "aitxt-other", "approved": True}},
        {"state": "approval-responded", "approval": {"id": "?", "approved": "true"}},
    ],
)
async def test_a_forged_answer_approves_nothing(change: Chunk) -> None:
    """An output, a foreign approval id or a word instead of a boolean does not answer a call that waits for approval"""
    chat_id = new_id()
    async with local_api(ScriptedKai([[ask("w")]]), mode="assistant") as api:
        message_id, parts = await asked(api, chat_id)
        forged = [{**part, **change} if "approval" in part else part for part in parts]
        response = await api.http.post("/api/chat", json=api.repost(chat_id, message_id, forged))
    assert response.status_code == 400


async def test_a_new_message_drops_the_question() -> None:
    """Who writes something new instead of answering gets an answer; the old question is closed"""
    chat_id = new_id()
    async with local_api(mode="assistant") as api:
        message_id, parts = await asked(api, chat_id)
        assert "Hello" in text_of(await api.send(chat_id, "hello"))
        response = await api.http.post("/api/chat", json=api.repost(chat_id, message_id, answered(parts, True)))
        assert response.status_code == 400


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        ({"state": "output-available", "output": {"path": "a.csv"}}, "tool-output-available"),
        ({"state": "output-error", "errorText": "cancelled"}, "tool-output-error"),
    ],
)
async def test_a_client_side_tool_takes_the_clients_result(change: Chunk, kind: str) -> None:
    """A tool of the client's own side (V11) is answered with its output in the re-posted message"""
    chat_id = new_id()
    kai = ScriptedKai([[call("pick_file", client_side=True), say("Thanks.")]])
    async with local_api(kai, mode="assistant") as api:
        message_id, parts = await asked(api, chat_id, "go")
        filled = [{**part, **change} if "toolCallId" in part else part for part in parts]
        chunks = await api.post_chat(api.repost(chat_id, message_id, filled))
    assert types_of(chunks)[1] == kind
    assert text_of(chunks) == "Thanks."


async def test_both_services_of_a_stack_work_side_by_side() -> None:
    """The assistant below an agent's server has the assistant's manners and the same chats"""
    chat_id = new_id()
    async with local_api() as api:
        base = str(api.http.base_url.join("/kai-assistant"))
        async with user_of(base, api.app, "test-token") as assistant:
            message_id, parts = await asked(assistant, chat_id)
            await assistant.post_chat(assistant.repost(chat_id, message_id, answered(parts, True)))
        assert "in.c-demo" in text_of(await api.send(chat_id, "Which buckets are there?"))


async def test_a_client_side_tool_takes_any_json_in_the_oldest_way() -> None:
    """A `tool-result` part with something else than the two words is the client's own result"""
    chat_id = new_id()
    kai = ScriptedKai([[call("pick_file", client_side=True), say("Thanks.")]])
    async with local_api(kai, mode="assistant") as api:
        _, parts = await asked(api, chat_id, "go")
        call_id = next(part["toolCallId"] for part in parts if "toolCallId" in part)
        part = {"type": "tool-result", "toolCallId": call_id, "toolName": "pick_file", "result": {"path": "a.csv"}}
        body = api.body(chat_id, "-", message={"id": new_id(), "role": "user", "parts": [part]})
        assert only(await api.post_chat(body), "tool-output-available")["output"] == {"path": "a.csv"}


async def test_an_answer_in_a_chat_that_is_not_there() -> None:
    """A decision about an unknown chat is 404, about a foreign one 403"""
    chat_id = new_id()
    async with local_api(mode="assistant") as api:
        message_id, parts = await asked(api, chat_id)
        body = api.repost(new_id(), message_id, answered(parts, True))
        response = await api.http.post("/api/chat", json=body)
        assert (response.status_code, error_of(response, "assistant")[0]) == (404, "not_found:chat")
        async with user_of(str(api.http.base_url), api.app, "another") as other:
            body = other.repost(chat_id, message_id, answered(parts, True))
            response = await other.http.post("/api/chat", json=body)
        assert (response.status_code, error_of(response, "assistant")[0]) == (403, "forbidden:chat")
