"""Calls that stay pending, and runs without a text that go on with them."""

from typing import Any

import pytest
from run_handmade import CHAT, ENDS, Chunk, HandmadeKai, HandTools, chat_of, finish, start, waiting_part, words
from run_scenes import AGENT, AGENTS, ASSISTANT, ASSISTANTS, LISTING, Kind, Notes, scene_of, two_steps

from kai_client import Denial, KaiClient, KaiError, LocalResult, ToolCall
from kai_client.server import ask, say

PENDING: list[tuple[Kind, dict[str, Any], int]] = [
    *((kind, {"c1": None, "c2": None}, 0) for kind in ASSISTANTS),
    *((kind, {"c1": True, "c2": None}, 0) for kind in ASSISTANTS),
    *((kind, {"c1": None, "c2": True}, 0) for kind in ASSISTANTS),
    *((kind, {"c1": False, "c2": None}, 0) for kind in ASSISTANTS),
    *((kind, {"c1": None}, 0) for kind in AGENTS),
    *((kind, {"c1": True, "c2": None}, 1) for kind in AGENTS),
    (LISTING, {"c1": None}, 0),
]


@pytest.mark.parametrize(("kind", "rules", "sent"), PENDING, ids=str)
async def test_none_leaves_a_call_pending(kind: Kind, rules: dict[str, Any], sent: int) -> None:
    """Nothing is sent about it, and on kai-assistant about no call of its step; the stream ends and says so."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        notes = Notes(rules)
        stream = scene.run(notes)
        message = await stream.get_final_message()
        assert len(scene.posts) == sent
        assert stream.finish_reason == ("tool-calls" if kind in ASSISTANTS else None)
        assert [part.tool_call_id for part in message.tool_parts] == (
            ["c1", "c2"] if kind in ASSISTANTS else list(rules)
        )
    assert notes.asked == list(rules)
    assert len(ran) == sent


@pytest.mark.parametrize("kind", ASSISTANTS, ids=str)
@pytest.mark.parametrize("first", [{"c1": None, "c2": None}, {"c1": True, "c2": None}], ids=repr)
async def test_a_pending_answer_goes_on_later(kind: Kind, first: dict[str, Any]) -> None:
    """Another run of another client, without a text, decides about the calls anew, and the same message goes on."""
    ran: list[Any] = []
    async with scene_of(kind, two_steps(ran)) as scene:
        pending = scene.run(Notes(first))
        before = await pending.get_final_message()
        async with KaiClient("12-345-SecretSecretSecret", scene.url, scene.url, backend=scene.client.backend) as other:
            notes = Notes({"c1": True, "c2": False, "c3": True})
            stream = other.run(scene.chat_id, approve=notes)
            events = [event async for event in stream]
        assert notes.asked == ["c1", "c2", "c3"]
        assert [(one.call_id, one.approved) for one in scene.received] == [("c1", True), ("c2", False), ("c3", True)]
        assert [event.type for event in events].count("finish") == 1
        stored = await scene.stored()
        assert stream.message.id == stored.id == before.id
        assert [part.to_dict() for part in stream.message.parts] == [part.to_dict() for part in stored.parts]
    assert ran == [{"n": 1}, {"n": 3}]


@pytest.mark.parametrize("kind", ASSISTANTS, ids=str)
async def test_a_pending_answer_may_stay_pending(kind: Kind) -> None:
    """A policy that returns None again leaves everything as it was: nothing is sent, and the message is there."""
    async with scene_of(kind, [ask("a", {"n": 1}, "ok", id="c1"), say("Done.")]) as scene:
        for text in ("go", None, None):
            stream = scene.run(Notes(rules=None), text)
            message = await stream.get_final_message()
            assert [part.tool_call_id for part in message.tool_parts] == ["c1"]
        assert scene.posts == []
        assert (await scene.run(Notes(rules=True), None).get_final_text()) == "Done."


@pytest.mark.parametrize("kind", [*ASSISTANTS, Kind("agent", known=False)], ids=str)
async def test_nothing_waits(kind: Kind) -> None:
    """A run without a text, in a chat that waits for nothing, says so and asks nobody."""
    async with scene_of(kind, [ask("a", id="c1"), say("Done.")]) as scene:
        await scene.run(Notes(rules=True)).get_final_message()
        notes = Notes(rules=True)
        with pytest.raises(KaiError) as caught:
            await scene.run(notes, None).get_final_message()
        assert (type(caught.value).__name__, caught.value.code) == ("KaiNotFoundError", "approval:none_waiting")
        assert (notes.asked, len(scene.posts)) == ([], 1)


async def test_an_agent_has_nothing_to_go_on_with() -> None:
    """kai-agent decides while its stream is open: a run without a text says so, and sends nothing at all."""
    async with scene_of(AGENT, "Hi") as scene:
        before = len(scene.app.requests)
        with pytest.raises(KaiError) as caught:
            await scene.run(Notes(rules=True), None).get_final_message()
        assert caught.value.code == "approval:no_stream"
        assert len(scene.app.requests) == before


async def test_a_chat_that_is_not_there() -> None:
    """A run without a text in an unknown chat is the backend's own not-found."""
    async with scene_of(ASSISTANT, "Hi") as scene:
        with pytest.raises(KaiError) as caught:
            await scene.run(Notes(rules=True), None).get_final_message()
        assert caught.value.code == "not_found:chat"


BACKENDS = ["kai-assistant", None]
WAITS = chat_of(waiting_part("c1", given={"n": 1}))


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("later", [None, True])
@pytest.mark.parametrize("most", [1, 50])
async def test_a_resumed_run_that_stays_pending_asks_once(backend: str | None, later: bool | None, most: int) -> None:
    """A policy that leaves the call pending is not asked again in the same run, whatever it would say then: the run hands
    out nothing, sends nothing, and has the message.
    """
    kai, asked = HandmadeKai(ENDS, chat=WAITS), list[str]()

    def policy(call: ToolCall) -> bool | None:
        asked.append(call.tool_call_id)
        return None if len(asked) == 1 else later

    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        stream = client.run(CHAT, approve=policy, max_steps=most)
        assert [event async for event in stream] == []
        assert [part.state for part in stream.message.tool_parts] == ["approval-requested"]
    assert (asked, kai.chats) == (["c1"], [])


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize("ruling", [True, Denial(reason="no")], ids=repr)
@pytest.mark.parametrize("echoed", [False, True])
async def test_a_resumed_run_tells_what_was_decided_first(backend: str | None, ruling: Any, echoed: bool) -> None:
    """Its first events are this side's, as between two responses of a run with a text, and a backend that says them again
    is heard once.
    """
    decision: Chunk = {"type": "tool-approval-response", "approvalId": "a-c1", "approved": ruling is True}
    decision |= {} if ruling is True else {"reason": "no"}
    first, *rest = ENDS
    kai = HandmadeKai([first, *([decision] if echoed else []), *rest], chat=WAITS)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        stream = client.run(CHAT, approve=Notes(ruling))
        chunks = [event.to_chunk() async for event in stream]
        assert (stream.text, stream.finish_reason) == ("Done.", "stop")
    assert chunks == [decision, *ENDS]


@pytest.mark.parametrize("result", [LocalResult(output={"n": 2}), LocalResult(error="No.")], ids=repr)
@pytest.mark.parametrize("echoed", [False, True])
async def test_a_resumed_run_tells_the_local_results_first(result: LocalResult, echoed: bool) -> None:
    """The same of the results of this side's own tools."""
    said: Chunk = (
        {"type": "tool-output-available", "toolCallId": "l1", "output": result.output}
        if result.error is None
        else {"type": "tool-output-error", "toolCallId": "l1", "errorText": result.error}
    )
    part = {"type": "tool-here", "toolCallId": "l1", "state": "input-available", "input": {"n": 1}}
    rest = [*words("Done."), finish()]
    kai = HandmadeKai([start(), *([said] if echoed else []), *rest], chat=chat_of(part))
    tools = HandTools({"here": result})
    async with kai.served(), KaiClient("token", kai.url, kai.url) as client:
        chunks = [event.to_chunk() async for event in client.run(CHAT, approve=Notes(rules=True), tools=tools)]
    assert chunks == [said, start(), *rest]
    assert tools.ran == [("l1", {"n": 1})]


async def test_an_unknown_agent_has_nothing_to_go_on_with() -> None:
    """A bare call in a chat of a backend that turns out to be kai-agent, where its stream is long over: the run says so,
    asks nobody and posts nothing.
    """
    part: Chunk = {"type": "tool-w", "toolCallId": "c1", "state": "input-available", "input": {}}
    kai, notes = HandmadeKai(ENDS, chat=chat_of(part), tools={"tools": []}, settings={}), Notes(rules=True)
    async with kai.served(), KaiClient("token", kai.url, kai.url) as client:
        with pytest.raises(KaiError) as caught:
            await client.run(CHAT, approve=notes).get_final_message()
    assert caught.value.code == "approval:no_stream"
    assert (notes.asked, kai.chats, kai.decisions) == ([], [], [])
