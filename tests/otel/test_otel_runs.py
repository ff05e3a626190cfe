"""A run is a span with what it is made of below it; who decides takes their own time."""

import asyncio
from typing import Any

import pytest
from emitted import Emitted

from kai_client import KaiClient, KaiError, Toolbox, ToolCall, approve_all, deny_all
from kai_client.server import ask, call, say, usage
from kai_client.testing.local import KaiServer

AGENT = pytest.mark.kai_server(mode="agent")
ASSISTANT = pytest.mark.kai_server(mode="assistant")


def client_of(server: KaiServer) -> KaiClient:
    """A client that has to find out which backend it speaks to."""
    return KaiClient("some-token", server.url, server.url)


def reply_with_a_question(server: KaiServer) -> None:
    """An answer that asks once."""
    server.kai.reply(ask("create_bucket", {"name": "demo"}, {"id": 1}, id="c1"), say("Done."), usage(30, 20))


@AGENT
async def test_a_run_on_kai_agent_is_one_chat_with_what_was_done_meanwhile(
    emitted: Emitted, kai_server: KaiServer
) -> None:
    """The decision and the request that posts it are beside the chat that waits for them."""
    reply_with_a_question(kai_server)
    async with client_of(kai_server) as kai:
        chat_id = kai.new_chat_id()
        assert await kai.run(chat_id, "A bucket, please", approve=approve_all).get_final_text() == "Done."
    (tree,) = emitted.tree()
    assert tree[0] == "invoke_agent kai"
    assert [each[0] for each in tree[1:]] == [
        "chat chat-model",
        "GET /api/settings/tools",
        "GET /api/settings/user",
        "decide create_bucket",
        "POST /api/chat/{id}/approval",
    ]
    run, decision = emitted.one("invoke_agent"), emitted.one("decide")
    assert {span["gen_ai.conversation.id"] for span in (run, decision, emitted.one("chat"))} == {chat_id}
    assert (run.kind, run["gen_ai.agent.name"], run["kai.outcome"]) == ("INTERNAL", "kai", "complete")
    assert (run["gen_ai.usage.input_tokens"], run["gen_ai.usage.output_tokens"]) == (30, 20)
    assert (decision["kai.decision"], decision["gen_ai.tool.call.id"]) == ("approved", "c1")
    operations = {p.attributes["gen_ai.operation.name"] for p in emitted.points("gen_ai.client.operation.duration")}
    assert operations == {"chat", "invoke_agent"}
    assert sum(point.sum for point in emitted.points("gen_ai.client.token.usage")) == 50


@ASSISTANT
async def test_a_run_on_kai_assistant_has_a_chat_for_each_response(emitted: Emitted, kai_server: KaiServer) -> None:
    """Each with the tokens and the tool calls of its own."""
    kai_server.kai.reply(
        usage(3, 1), ask("create_bucket", {"name": "demo"}, {"id": 1}, id="c1"), say("Done."), usage(30, 20)
    )
    async with client_of(kai_server) as kai:
        run = kai.run(kai.new_chat_id(), "A bucket, please", approve=approve_all)
        assert await run.get_final_text() == "Done."
    first, second = emitted.named("chat")
    assert {first.parent, second.parent} == {emitted.one("invoke_agent").id}
    assert (first["gen_ai.response.finish_reasons"], second["gen_ai.response.finish_reasons"]) == (
        ("tool-calls",),
        ("stop",),
    )
    assert (first["gen_ai.usage.input_tokens"], second["gen_ai.usage.input_tokens"]) == (3, 30)
    assert emitted.one("invoke_agent")["gen_ai.usage.input_tokens"] == 33
    states = [[told["kai.tool.state"] for _, told in span.events] for span in (first, second)]
    assert states == [["approval-requested"], ["output-available"]]


@AGENT
async def test_the_time_of_who_decides_is_not_the_backends(emitted: Emitted, kai_server: KaiServer) -> None:
    """It is in no duration, and an attribute of the chat that was open meanwhile and of the run."""
    reply_with_a_question(kai_server)

    async def think(_: ToolCall[Any]) -> bool:
        await asyncio.sleep(0.4)
        return True

    async with client_of(kai_server) as kai:
        await kai.run(kai.new_chat_id(), "A bucket, please", approve=think).get_final_text()
    spans = {"chat": emitted.one("chat"), "invoke_agent": emitted.one("invoke_agent")}
    for point in emitted.points("gen_ai.client.operation.duration"):
        span = spans.pop(point.attributes["gen_ai.operation.name"])
        assert span["kai.decision.seconds"] >= 0.4
        assert point.sum == pytest.approx(span.seconds - span["kai.decision.seconds"], abs=0.2)
    assert spans == {}


@AGENT
@pytest.mark.parametrize(("answer", "told"), [(False, "denied"), (None, "pending")])
async def test_a_call_that_was_not_approved_is_told(
    emitted: Emitted, kai_server: KaiServer, answer: Any, told: str
) -> None:
    """Denied, or left for somebody else; neither is a failure."""
    reply_with_a_question(kai_server)
    async with client_of(kai_server) as kai:
        async for _ in kai.run(kai.new_chat_id(), "A bucket, please", approve=lambda _: answer):
            pass
    assert emitted.one("decide")["kai.decision"] == told
    outcome = "complete" if told == "denied" else "closed"
    assert (emitted.one("chat")["kai.outcome"], emitted.one("invoke_agent")["kai.outcome"]) == (outcome, outcome)
    assert [span.name for span in emitted.spans if span.failed] == []


@pytest.mark.parametrize(
    "_", [pytest.param(0, marks=AGENT, id="agent"), pytest.param(0, marks=ASSISTANT, id="assistant")]
)
async def test_a_policy_that_fails_is_told_by_its_class(emitted: Emitted, kai_server: KaiServer, _: int) -> None:
    """In the decision and the run; the chat that was left for it has not failed. Its words are nowhere."""
    reply_with_a_question(kai_server)

    def fails(_: ToolCall[Any]) -> bool:
        raise LookupError("words of the policy")

    async with client_of(kai_server) as kai:
        with pytest.raises(LookupError):
            await kai.run(kai.new_chat_id(), "A bucket, please", approve=fails).get_final_text()
    failed = {
        span.name: span["error.type"] for span in emitted.spans if span.failed and not span.name.startswith("GET")
    }
    assert failed == dict.fromkeys(["decide create_bucket", "invoke_agent kai"], "LookupError")
    assert emitted.named("chat")[-1]["kai.outcome"] == "closed"
    assert "words of the policy" not in emitted.text()


@ASSISTANT
async def test_a_run_that_goes_on_with_a_stored_answer_is_a_run(emitted: Emitted, kai_server: KaiServer) -> None:
    """What it reads first is part of it."""
    reply_with_a_question(kai_server)
    async with client_of(kai_server) as kai:
        chat_id = kai.new_chat_id()
        async for _ in kai.send_message(chat_id, "A bucket, please"):
            pass
        async for _ in kai.run(chat_id, approve=deny_all):
            pass
    chat, run = emitted.tree()
    assert (chat, run[0]) == (["chat chat-model"], "invoke_agent kai")
    assert run[1] == ["GET /api/chat/{id}"]
    assert run[-1] == ["chat chat-model"]


@pytest.mark.kai_server(mode="assistant", style=None)
async def test_a_run_that_is_refused_has_failed(emitted: Emitted, kai_server: KaiServer) -> None:
    """Nothing waits: there is a run, and no chat."""
    async with client_of(kai_server) as kai:
        chat_id, _ = await kai.chat("Hi")
        with pytest.raises(KaiError):
            await kai.run(chat_id, approve=deny_all).get_final_text()
    run = emitted.one("invoke_agent")
    assert (run["kai.outcome"], run["error.type"]) == ("failed", "approval:none_waiting")
    assert len(emitted.named("chat")) == 1


@ASSISTANT
async def test_tools_of_this_side_are_spans(emitted: Emitted, kai_server: KaiServer) -> None:
    """One for each execution, with the call's id; one that fails says so, without its words."""
    tools = Toolbox()

    @tools.tool
    def divide(by: int) -> float:
        return 1 / by

    kai_server.kai.reply(
        call("divide", {"by": 2}, client_side=True, id="c1"),
        call("divide", {"by": 0}, client_side=True, id="c2"),
        say("Divided."),
    )
    async with client_of(kai_server) as kai:
        run = kai.run(kai.new_chat_id(), "Divide", tools=tools)
        assert await run.get_final_text() == "Divided."
    done, failed = emitted.named("execute_tool")
    assert done.attributes == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.provider.name": "keboola",
        "gen_ai.tool.name": "divide",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "c1",
    }
    assert (failed["gen_ai.tool.call.id"], failed.failed) == ("c2", True)
    assert (failed["error.type"], failed["kai.error.class"]) == ("tool:failed", "ToolError")
    assert "division" not in emitted.text()
