"""Approvals on kai-agent: the stream stays open and silent (protocol 2.5); permissions and restrictions."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from local_api import BUCKET, Chunk, error_of, local_api, new_id, only, text_of, types_of, until, user_of

from kai_client.server import Execution, ScriptedKai, ask, call, say
from kai_client.types import Json


async def until_input(chunks: AsyncIterator[Chunk], count: int = 1) -> list[str]:
    """Read on until so many inputs are there; their call ids."""
    calls: list[str] = []
    async for chunk in chunks:
        if chunk["type"] == "tool-input-available":
            calls.append(chunk["toolCallId"])
            if len(calls) == count:
                return calls
    raise AssertionError("the stream ended")


async def rest(chunks: AsyncIterator[Chunk]) -> list[Chunk]:
    """What is still to come."""
    return [chunk async for chunk in chunks]


async def test_agent_approval_goes_on_in_the_same_stream() -> None:
    """The stream is silent until the decision, then carries the output, the text and the end (V14)"""
    chat_id = new_id()
    async with local_api() as api, api.stream(api.body(chat_id, BUCKET)) as chunks:
        (call_id,) = await until_input(chunks)
        response = await api.decide(chat_id, call_id, True)
        assert response.json() == {"success": True, "toolUseId": call_id, "approved": True}
        after = await rest(chunks)
        assert types_of(after)[:2] == ["tool-output-available", "finish-step"]
        assert "created the bucket `in.c-demo`" in text_of(after)
        again = await api.decide(chat_id, call_id, True)
        assert (again.status_code, error_of(again, "agent")[0]) == (404, "not_found:chat")


async def test_agent_is_silent_while_it_waits() -> None:
    """Nothing at all comes before the decision"""
    chat_id = new_id()
    async with local_api(ScriptedKai([[ask("w", {}, 1)]])) as api, api.stream(api.body(chat_id, "go")) as chunks:
        (call_id,) = await until_input(chunks)
        following = asyncio.ensure_future(anext(chunks))
        done, _ = await asyncio.wait([following], timeout=0.2)
        assert not done
        await api.decide(chat_id, call_id, True)
        assert (await following)["type"] == "tool-output-available"
        await rest(chunks)


async def test_agent_denial() -> None:
    """A refused call does not run; the reason reaches the assistant"""
    chat_id = new_id()
    async with local_api() as api:
        async with api.stream(api.body(chat_id, BUCKET)) as chunks:
            (call_id,) = await until_input(chunks)
            await api.decide(chat_id, call_id, False, reason="not today")
            after = await rest(chunks)
        assert types_of(after)[0] == "tool-output-denied"
        assert "did not create" in text_of(after)
        assert "not today" in text_of(after)
        assert "in.c-demo" not in text_of(await api.send(chat_id, "Which buckets are there?"))


@pytest.mark.parametrize(
    ("denial", "first"), [("chunk", "tool-output-denied"), ("error", "tool-output-error"), ("silent", "finish-step")]
)
async def test_denial_as_the_style_shows_it(denial: Any, first: str) -> None:
    """The three ways in which a denial may show on the wire can be chosen"""
    chat_id = new_id()
    async with local_api(ScriptedKai([[ask("w", denied="As you wish.")]])) as api:
        api.app.next_stream(denial=denial)
        async with api.stream(api.body(chat_id, "go")) as chunks:
            (call_id,) = await until_input(chunks)
            await api.decide(chat_id, call_id, False)
            after = await rest(chunks)
    assert types_of(after)[0] == first
    assert text_of(after) == "As you wish."


async def test_updated_input_is_what_runs() -> None:
    """The input of the approval replaces the model's"""
    chat_id = new_id()
    async with local_api() as api, api.stream(api.body(chat_id, BUCKET)) as chunks:
        (call_id,) = await until_input(chunks)
        await api.decide(chat_id, call_id, True, updatedInput={"name": "other"})
        assert only(await rest(chunks), "tool-output-available")["output"] == {"id": "in.c-other"}


def repeat_answers(execution: Execution) -> Json:
    """A tool that returns the answers it was given."""
    return {"answers": execution.answers}


@pytest.mark.parametrize("output", [None, repeat_answers])
async def test_answers_reach_the_tool(output: Any) -> None:
    """Answers of an interactive tool are handed to its function, or are its output"""
    chat_id = new_id()
    kai = ScriptedKai([[ask("ask_user", {"question": "?"}, output)]])
    async with local_api(kai) as api, api.stream(api.body(chat_id, "go")) as chunks:
        (call_id,) = await until_input(chunks)
        await api.decide(chat_id, call_id, True, answers={"colour": "blue"})
        assert only(await rest(chunks), "tool-output-available")["output"] == {"answers": {"colour": "blue"}}


@pytest.mark.parametrize("approved", ["true", 1, None])
async def test_only_a_boolean_decides(approved: Any) -> None:
    """A word or a number never approves: 400, and the call still waits"""
    chat_id = new_id()
    async with local_api() as api, api.stream(api.body(chat_id, BUCKET)) as chunks:
        (call_id,) = await until_input(chunks)
        assert (await api.decide(chat_id, call_id, approved)).status_code == 400
        assert (await api.decide(chat_id, call_id, True)).status_code == 200
        await rest(chunks)


async def test_a_decision_belongs_to_one_chat_and_user() -> None:
    """The same call id in another chat, or from another user, decides nothing"""
    chat_id = new_id()
    async with local_api() as api, api.stream(api.body(chat_id, BUCKET)) as chunks:
        (call_id,) = await until_input(chunks)
        async with user_of(str(api.http.base_url), api.app, "another") as other:
            assert (await other.decide(chat_id, call_id, True)).status_code == 404
        assert (await api.decide(new_id(), call_id, True)).status_code == 404
        assert (await api.decide(chat_id, "call_unknown", True)).status_code == 404
        assert (await api.decide(chat_id, call_id, False)).status_code == 200
        assert "did not create" in text_of(await rest(chunks))


async def test_two_calls_wait_together_on_the_agent() -> None:
    """Decisions may come in any order; each output follows its own"""
    chat_id = new_id()
    kai = ScriptedKai([[ask("a", id="call-a", output=1), ask("b", id="call-b", output=2), say("Both.")]])
    async with local_api(kai) as api, api.stream(api.body(chat_id, "go")) as chunks:
        assert await until_input(chunks, 2) == ["call-a", "call-b"]
        await api.decide(chat_id, "call-b", True)
        assert (await anext(chunks))["toolCallId"] == "call-b"
        await api.decide(chat_id, "call-a", False)
        after = await rest(chunks)
    assert (after[0]["type"], after[0]["toolCallId"]) == ("tool-output-denied", "call-a")
    assert text_of(after) == "I did not run `a`, since it was refused.Both."


async def test_a_posted_decision_finds_its_call_at_once() -> None:
    """A decision may arrive while other inputs are still being written"""
    chat_id = new_id()
    kai = ScriptedKai([[ask("a", output=1), ask("b", {"long": "x" * 200}, output=2)]], pace=0.005)
    async with local_api(kai) as api, api.stream(api.body(chat_id, "go")) as chunks:
        (first,) = await until_input(chunks)
        assert (await api.decide(chat_id, first, True)).status_code == 200
        (second,) = await until_input(chunks)
        assert (await api.decide(chat_id, second, True)).status_code == 200
        assert types_of(await rest(chunks))[0] == "tool-output-available"


async def test_nobody_decides_in_time() -> None:
    """After the timeout each call fails and the answer finishes with the reason `error`"""
    kai = ScriptedKai([[ask("a"), ask("b"), say("unsaid")]], approval_timeout=0.05)
    async with local_api(kai) as api:
        chunks = await api.send(new_id(), "go")
    assert types_of(chunks)[-3:] == ["tool-output-error", "finish-step", "finish"]
    assert chunks[-1]["finishReason"] == "error"
    assert len(kai.approvals) == 0


async def test_leaving_ends_the_run() -> None:
    """When the client leaves, nothing waits any more and the decision finds nothing"""
    chat_id, kai = new_id(), ScriptedKai()
    async with local_api(kai) as api:
        async with api.stream(api.body(chat_id, BUCKET)) as chunks:
            (call_id,) = await until_input(chunks)
            assert len(kai.approvals) == 1
        await until(lambda: len(kai.approvals) == 0)
        assert (await api.decide(chat_id, call_id, True)).status_code == 404


@pytest.mark.parametrize(
    ("permission", "turn", "expected"),
    [
        ("always_allow", ask("w", output=1), "tool-output-available"),
        ("blocked", ask("w", output=1), "tool-output-error"),
        ("blocked", call("w", output=1), "tool-output-error"),
    ],
)
async def test_permissions_decide(permission: str, turn: Any, expected: str) -> None:
    """`always_allow` runs at once but shows its input, `blocked` fails"""
    async with local_api(ScriptedKai([[turn]])) as api:
        await api.http.patch("/api/settings/user", json={"toolPermissions": {"w": permission}})
        chunks = await api.send(new_id(), "go")
    assert "tool-input-available" in types_of(chunks)
    assert only(chunks, expected)["toolCallId"]


async def test_always_ask_asks_for_a_reading_tool() -> None:
    """`always_ask` makes a read-only tool wait"""
    chat_id = new_id()
    async with local_api() as api:
        await api.http.patch("/api/settings/user", json={"toolPermissions": {"get_tables": "always_ask"}})
        async with api.stream(api.body(chat_id, "Which tables do I have?")) as chunks:
            (call_id,) = await until_input(chunks)
            await api.decide(chat_id, call_id, False)
            assert "refused" in text_of(await rest(chunks))


RESTRICTIONS: list[tuple[dict[str, Any], str, bool]] = [
    ({"allowedTools": ["get_tables"]}, "Which tables do I have?", True),
    ({"allowedTools": ["get_buckets"]}, "Which tables do I have?", False),
    ({"disallowedTools": ["get_tables"]}, "Which tables do I have?", False),
    ({"readOnlyMode": True}, "Which tables do I have?", True),
    ({"readOnlyMode": True}, BUCKET, False),
]


@pytest.mark.parametrize(("restrictions", "text", "runs"), RESTRICTIONS)
async def test_agent_honours_restrictions(restrictions: dict[str, Any], text: str, runs: bool) -> None:
    """Allow-list, reading only and deny-list hold on the agent"""
    async with local_api() as api:
        chunks = await api.send(new_id(), text, toolRestrictions=restrictions)
    assert ("tool-output-available" in types_of(chunks)) is runs
    assert ("tool-output-error" in types_of(chunks)) is not runs


async def test_the_first_message_decides_about_restrictions() -> None:
    """Restrictions of a later message are ignored, those of the first stay"""
    chat_id, free = new_id(), new_id()
    restriction = {"toolRestrictions": {"disallowedTools": ["get_tables"]}}
    async with local_api() as api:
        await api.send(chat_id, "hello", **restriction)
        assert "tool-output-error" in types_of(await api.send(chat_id, "Which tables?"))
        await api.send(free, "hello")
        assert "tool-output-available" in types_of(await api.send(free, "Which tables?", **restriction))


async def test_the_assistant_drops_restrictions() -> None:
    """kai-assistant does not know the key"""
    async with local_api(mode="assistant") as api:
        chunks = await api.send(new_id(), "Which tables?", toolRestrictions={"allowedTools": []})
    assert "tool-output-available" in types_of(chunks)


async def test_a_client_side_tool_takes_answers_on_the_agent() -> None:
    """Where only approvals come back, a client's own result travels as `answers`"""
    chat_id = new_id()
    kai = ScriptedKai([[call("pick_file", client_side=True), say("Thanks.")]])
    async with local_api(kai) as api, api.stream(api.body(chat_id, "go")) as chunks:
        (call_id,) = await until_input(chunks)
        await api.decide(chat_id, call_id, True, answers={"path": "a.csv"})
        assert only(await rest(chunks), "tool-output-available")["output"] == {"path": "a.csv"}


@pytest.mark.parametrize("tool_use_id", ["", ".", "..", "a\x00b"])
async def test_ids_that_cannot_be(tool_use_id: str) -> None:
    """What cannot be an id is 400, not a search"""
    async with local_api() as api:
        response = await api.decide(new_id(), tool_use_id, True)
    assert (response.status_code, error_of(response, "agent")[0]) == (400, "bad_request:api")
