"""One sequence of events and one growing message, however many responses an answer takes."""

import asyncio
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from run_handmade import CHAT, HandmadeKai, HandTools, called, finish, output, requested, start, words
from run_scenes import AGENTS, ASSISTANT, ASSISTANTS, KINDS, Kind, Notes, Received, Scene, scene_of

from kai_client import KaiClient, KaiError, KaiStreamError, LocalResult, RetryPolicy, UIMessage, approve_all
from kai_client.server import Item, ask, call, data, fail, say, think, usage

SCRIPT: list[Item] = [
    say("One. "),
    usage(10, 1),
    ask("a", {"n": 1}, "first", id="c1"),
    ask("a", {"n": 2}, "second", id="c2"),
    call("r", {"n": 0}, "read", id="c0"),
    say("Two. "),
    usage(20, 2),
    think("Hm."),
    data("note", {"x": 1}, id="d"),
    ask("b", {"n": 3}, "third", id="c3"),
    usage(30, 3),
    say("Three."),
    usage(40, 4, after_finish=True),
]
RULES = {"c1": True, "c2": False, "c3": True}
TEXT = "One. I did not run `a`, since it was refused.Two. Three."


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_the_events_are_one_sequence(kind: Kind) -> None:
    """One start, one finish, every step and every output once; no response of the answer shows where it began or ended."""
    async with scene_of(kind, SCRIPT) as scene:
        events = [event async for event in scene.run(Notes(RULES))]
    kinds = Counter(event.type for event in events)
    assert (kinds["start"], kinds["finish"], kinds["text-start"]) == (1, 1, 4)
    assert kinds["step-start"] == kinds["finish-step"]
    assert events[0].type == "start"
    chunks: list[dict[str, Any]] = [event.to_chunk() for event in events]
    ended = Counter(
        chunk["toolCallId"] for chunk in chunks if chunk["type"] in {"tool-output-available", "tool-output-denied"}
    )
    assert ended == Counter(["c0", "c1", "c2", "c3"])
    said = [chunk for chunk in chunks if chunk["type"] == "tool-approval-response"]
    assert [chunk["approved"] for chunk in said] == ([] if kind in AGENTS else [True, False, True])
    finishes = [chunk for chunk in chunks if chunk["type"] == "finish"]
    assert [chunk["finishReason"] for chunk in finishes] == ["stop"]


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_the_message_only_grows(kind: Kind) -> None:
    """Its id never changes, no part goes away, and no call is there twice."""
    async with scene_of(kind, SCRIPT) as scene:
        updates = [message async for message in scene.run(Notes(RULES)).updates()]
        stored = await scene.stored()
    assert len({message.id for message in updates}) == 1
    sizes = [len(message.parts) for message in updates]
    assert sizes == sorted(sizes)
    texts = [message.text for message in updates]
    assert all(later.startswith(text) for text, later in pairwise(texts))
    kinds = [[part.type for part in message.parts] for message in updates]
    assert all(later[: len(types)] == types for types, later in pairwise(kinds))
    ids = [part.tool_call_id for part in updates[-1].tool_parts]
    assert ids == ["c1", "c2", "c0", "c3"]
    assert updates[-1].id == stored.id
    assert [part.to_dict() for part in updates[-1].parts] == [part.to_dict() for part in stored.parts]


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_every_way_to_read_gives_the_whole_answer(kind: Kind) -> None:
    """Text, pieces of text, message and events agree, and token counts are summed over all responses once."""
    read: dict[str, Any] = {}
    for way in ("text", "pieces", "message", "events"):
        async with scene_of(kind, SCRIPT) as scene:
            stream = scene.run(Notes(RULES))
            if way == "text":
                read[way] = await stream.get_final_text()
            elif way == "pieces":
                read[way] = "".join([piece async for piece in stream.text_stream])
            elif way == "message":
                read[way] = (await stream.get_final_message()).text
            else:
                read[way] = "".join([getattr(event, "text", None) or "" async for event in stream])
            assert (stream.usage.prompt_tokens, stream.usage.completion_tokens) == (100, 10)
            assert stream.finish_reason == "stop"
            assert set(stream.tool_calls) == {"c0", "c1", "c2", "c3"}
    assert read == dict.fromkeys(read, TEXT)


@pytest.mark.parametrize("backend", ["kai-assistant", None])
async def test_usage_of_the_steps_is_summed_too(backend: str | None) -> None:
    """Counts that come with `finish` are of one response each."""

    def counted(reason: str, count: int) -> dict[str, Any]:
        return {**finish(reason), "usage": {"promptTokens": count, "completionTokens": 1}}

    asks = [start(), called("c1"), requested("c1"), counted("tool-calls", 10)]
    kai = HandmadeKai(asks, [start(), output("c1"), counted("stop", 5)])
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        stream = client.run(CHAT, "go", approve=approve_all)
        await stream.get_final_message()
    assert (stream.usage.prompt_tokens, stream.usage.completion_tokens) == (15, 2)


@pytest.mark.parametrize("kind", KINDS, ids=str)
async def test_an_answer_without_approvals_is_an_answer(kind: Kind) -> None:
    """A run in which nothing waits is the stream of `send_message`, and posts nothing more."""
    async with scene_of(kind, [say("Hi."), call("r", {}, 1), say("Bye.")]) as scene:
        assert await scene.run(Notes(rules=True)).get_final_text() == "Hi.Bye."
        assert scene.posts == []


@pytest.mark.parametrize("kind", KINDS, ids=str)
@pytest.mark.parametrize("finish_chunk", [True, False])
async def test_an_answer_that_fails_later_is_an_error(kind: Kind, finish_chunk: bool) -> None:
    """An error after an approval is raised once, with the text so far, and nothing more is asked."""
    script = [say("One."), ask("a", {}, 1, id="c1"), say("Two."), fail("It broke.", finish=finish_chunk)]
    async with scene_of(kind, script) as scene:
        notes = Notes(rules=True)
        with pytest.raises(KaiStreamError) as caught:
            await scene.run(notes).get_final_message()
    assert "It broke." in str(caught.value)
    assert caught.value.partial_text == "One.Two."
    assert notes.asked == ["c1"]


@pytest.mark.parametrize("backend", ["kai-assistant", None])
@pytest.mark.parametrize(
    "end",
    [[{"type": "error", "errorText": "no"}, finish("tool-calls")], [{"type": "abort"}], [finish("error")]],
    ids=["error", "abort", "finish error"],
)
async def test_a_response_that_failed_is_not_answered(backend: str | None, end: list[Any]) -> None:
    """Calls of an answer that ended badly are decided by nobody."""
    kai, notes = HandmadeKai([start(), called("c1"), requested("c1"), *end]), Notes(rules=True)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend=backend) as client:
        with pytest.raises(KaiError):
            await client.run(CHAT, "go", approve=notes).get_final_message()
    assert (notes.asked, kai.sent) == ([], [])


@pytest.mark.parametrize("kind", ASSISTANTS, ids=str)
@pytest.mark.parametrize("which", [2, 3])
@pytest.mark.parametrize("cut", range(1, 8))
async def test_a_cut_later_response_is_recovered(kind: Kind, which: int, cut: int) -> None:
    """The rest of a later response comes as if nothing had happened: nothing twice, and nothing decided twice."""
    quick = RetryPolicy(wait_initial=0.01, wait_max=0.02, wait_jitter=0)
    async with scene_of(kind, SCRIPT, retry=quick) as scene:
        for _ in range(which - 1):
            scene.app.next_stream()
        scene.app.next_stream(drop_after=cut)
        notes = Notes(RULES)
        stream = scene.run(notes, recover=True)
        events = [event async for event in stream]
        stored = await scene.stored()
        assert [part.to_dict() for part in stream.message.parts] == [part.to_dict() for part in stored.parts]
        assert (stream.text, stream.message.id) == (TEXT, stored.id)
        assert scene.received == [Received(call_id, approved) for call_id, approved in RULES.items()]
    kinds = Counter(event.type for event in events)
    assert (kinds["start"], kinds["finish"]) == (1, 1)
    assert notes.asked == list(RULES)


def local_script() -> list[Item]:
    """Tools of this side and of the backend in one step."""
    return [
        call("pick", {"of": "files"}, client_side=True, id="l1"),
        ask("w", {"n": 1}, "written", id="c1"),
        call("pick", {"of": "tables"}, client_side=True, id="l2"),
        call("clock", {}, client_side=True, id="l3"),
        say("Done."),
    ]


RESULTS = {"pick": LocalResult(output={"path": "a.csv"}), "clock": LocalResult(error="It stands still.")}


async def local_run(scene: Scene, rules: Any, tools: HandTools) -> tuple[list[dict[str, Any]], UIMessage]:
    """The chunks and the message of a run with tools of this side."""
    stream = scene.run(Notes(rules), tools=tools)
    chunks = [event.to_chunk() async for event in stream]
    return chunks, stream.message


@pytest.mark.parametrize("kind", ASSISTANTS, ids=str)
@pytest.mark.parametrize("approved", [True, False])
async def test_local_results_travel_with_the_approvals(kind: Kind, approved: bool) -> None:
    """One post has the decisions and the results of a step; each result is told once."""
    tools = HandTools(RESULTS)
    async with scene_of(kind, local_script()) as scene:
        chunks, message = await local_run(scene, {"c1": approved}, tools)
        assert len(scene.posts) == 1
        assert scene.received == [Received("c1", approved)]
        body: Any = scene.posts[0].body
        parts = {part["toolCallId"]: part for part in body["message"]["parts"] if "toolCallId" in part}
    assert parts["l1"]["output"] == parts["l2"]["output"] == {"path": "a.csv"}
    assert (parts["l3"]["state"], parts["l3"]["errorText"]) == ("output-error", "It stands still.")
    assert sorted(tools.ran) == [("l1", {"of": "files"}), ("l2", {"of": "tables"}), ("l3", {})]
    told = Counter(chunk["toolCallId"] for chunk in chunks if chunk["type"].startswith("tool-output"))
    assert told == Counter(["l1", "l2", "l3", "c1"])
    assert message.text.endswith("Done.")
    states = {part.tool_call_id: part.state for part in message.tool_parts}
    done = "output-available" if approved else "output-denied"
    assert states == {"l1": "output-available", "c1": done, "l2": "output-available", "l3": "output-error"}


@pytest.mark.parametrize("kind", ASSISTANTS, ids=str)
async def test_a_tool_of_nobody_gets_an_error(kind: Kind) -> None:
    """A call that neither side can run is answered beside an approval, so that the answer goes on."""
    tools = HandTools({"clock": RESULTS["clock"]})
    async with scene_of(kind, local_script()) as scene:
        _, message = await local_run(scene, {"c1": True}, tools)
        assert scene.received == [Received("c1", approved=True)]
    states = {part.tool_call_id: part.state for part in message.tool_parts}
    assert states == {"l1": "output-error", "c1": "output-available", "l2": "output-error", "l3": "output-error"}
    assert [run[0] for run in tools.ran] == ["l3"]


@pytest.mark.parametrize("kind", ASSISTANTS, ids=str)
async def test_a_failing_policy_stops_the_local_tools(kind: Kind) -> None:
    """What this side would have run does not run, the call is denied, and the failure reaches the user."""
    tools, failure = HandTools(RESULTS), ValueError("no")
    async with scene_of(kind, local_script()) as scene:
        with pytest.raises(ValueError, match="no") as caught:
            await local_run(scene, {"c1": failure}, tools)
        assert caught.value is failure
        assert [(one.call_id, one.approved) for one in scene.received] == [("c1", False)]
    assert tools.ran == []


@pytest.mark.parametrize("kind", ASSISTANTS, ids=str)
async def test_a_pending_call_holds_the_local_tools_back(kind: Kind) -> None:
    """Nothing is posted while a call of the step is pending, so nothing may have happened on this side either."""
    tools = HandTools(RESULTS)
    async with scene_of(kind, local_script()) as scene:
        await local_run(scene, {"c1": None}, tools)
        assert scene.posts == []
        assert tools.ran == []
        stream = scene.run(Notes({"c1": True}), None, tools=tools)
        await stream.get_final_message()
        assert len(scene.posts) == 1
    assert sorted(run[0] for run in tools.ran) == ["l1", "l2", "l3"]


@pytest.mark.parametrize("kind", ASSISTANTS, ids=str)
async def test_local_tools_alone(kind: Kind) -> None:
    """A step of this side's tools only is answered without asking anybody."""
    tools = HandTools(RESULTS)
    async with scene_of(kind, [call("pick", {"n": 1}, client_side=True, id="l1"), say("Done.")]) as scene:
        notes = Notes(rules=True)
        assert await scene.run(notes, tools=tools).get_final_text() == "Done."
        assert (notes.asked, tools.ran) == ([], [("l1", {"n": 1})])


async def test_a_local_result_that_is_told_back_is_told_once() -> None:
    """A backend that repeats what this side said does not make it happen twice for the reader."""
    tools = HandTools(RESULTS)
    asks = [start(), called("l1", "pick"), called("c1"), requested("c1"), finish("tool-calls")]
    told = [
        start(),
        {"type": "tool-approval-response", "approvalId": "a-c1", "approved": True},
        output("l1", {"path": "a.csv"}),
        output("c1"),
        *words("Done."),
        finish(),
    ]
    kai = HandmadeKai(asks, told, chat=404)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend="kai-assistant") as client:
        stream = client.run(CHAT, "go", approve=approve_all, tools=tools)
        events = [event async for event in stream]
    outputs = [event for event in events if getattr(event, "state", None) == "output-available"]
    assert len(outputs) == 2
    assert len([event for event in events if event.type == "tool-approval-response"]) == 1
    assert tools.ran == [("l1", {})]


async def test_another_conversation_in_the_same_client() -> None:
    """Runs in several chats at once keep their decisions apart."""
    async with scene_of(ASSISTANT) as scene:
        rules = [True, False] * 5
        for _ in rules:
            scene.kai.reply([ask("a", {"n": 1}, "ran", id="same"), say("Done.")])
        streams = [scene.client.run(scene.client.new_chat_id(), "go", approve=Notes(rule)) for rule in rules]
        messages = await asyncio.gather(*(stream.get_final_message() for stream in streams))
    states = [message.tool_parts[0].state for message in messages]
    assert states == ["output-available" if rule else "output-denied" for rule in rules]
