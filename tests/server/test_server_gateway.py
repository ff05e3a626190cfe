"""The server in front of a `KaiClient`: a gateway that cannot be told from the service behind it."""

# pyright: reportDeprecated=false

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import local_api as here
import pytest
from local_api import error_of, local_api, new_id, until

from kai_client.approvals import LocalResult, Policy, ToolCall, by_id
from kai_client.client import KaiClient
from kai_client.events import ToolCallEvent
from kai_client.exceptions import KaiAuthenticationError, KaiForbiddenError, KaiNotFoundError, KaiRateLimitError
from kai_client.server import KaiService, ScriptedKai, ask, call, kai_app, say, serve
from kai_client.server.faults import Mode


@asynccontextmanager
async def through_gateway(kai: ScriptedKai, mode: Mode = "agent") -> AsyncGenerator[KaiClient]:
    """A client of a gateway of a client of `kai`."""
    async with (
        serve(kai_app(kai, mode=mode)) as upstream,
        KaiClient.from_storage_api("upstream-token", upstream) as inner,
        here.between(inner) as behind,
        serve(kai_app(behind, mode=mode, tokens=["gateway-token"])) as gateway,
        KaiClient.from_storage_api("gateway-token", gateway) as outer,
    ):
        yield outer


def test_a_client_is_a_service() -> None:
    """`KaiClient` has every method that the server asks a whole service for"""
    service: KaiService = KaiClient("token", "https://connection.keboola.com")
    assert isinstance(service, KaiService)


@pytest.mark.parametrize("mode", ["agent", "assistant"])
async def test_everything_passes_through(mode: Mode) -> None:
    """Chat, history, votes, usage and the rest are the upstream's own"""
    chat_id = new_id()
    async with through_gateway(ScriptedKai(), mode) as client:
        stream = client.send_message(chat_id, "How many orders per country?")
        assert "| CZ | 15 |" in await stream.get_final_text()
        assert [call.tool_name for call in stream.tool_calls.values()] == ["query_data"]
        messages = (await client.get_chat(chat_id)).messages
        assert [message.role for message in messages] == ["user", "assistant"]
        assert [chat.id for chat in (await client.get_history()).chats] == [chat_id]
        assert (await client.vote(chat_id, messages[1].id, "up")).type == "up"
        assert [vote.type for vote in await client.get_votes(chat_id)] == ["up"]
        assert (await client.get_usage()).messages_used == 1
        assert (await client.info()).app_name == "kai-local"
        assert (await client.ping()).timestamp
        await client.delete_chat(chat_id)
        with pytest.raises(KaiNotFoundError):
            await client.get_chat(chat_id)


async def test_settings_pass_through() -> None:
    """Settings, tools and suggestions, which kai-agent alone has, are the upstream's own"""
    async with through_gateway(ScriptedKai()) as client:
        assert (await client.update_settings(custom_instructions="Be brief")).custom_instructions == "Be brief"
        settings = await client.update_user_settings(tool_permissions={"a": "blocked"})
        assert settings.tool_permissions == {"a": "blocked"}
        assert (await client.get_settings()).custom_instructions == "Be brief"
        assert len((await client.get_tools()).tools) > 3
        assert (await client.get_suggestions("dashboard", {})).suggestions


@pytest.mark.parametrize("approved", [True, False])
async def test_agent_approvals_pass_through(approved: bool) -> None:
    """The decision reaches the stream that waits behind the gateway"""
    chat_id = new_id()
    async with through_gateway(ScriptedKai([[ask("w", {"a": 1}, "done"), say("Fine.")]])) as client:
        stream = client.send_message(chat_id, "go")
        async for event in stream:
            if isinstance(event, ToolCallEvent) and event.state == "input-available":
                assert (await client.submit_approval(chat_id, event.tool_call_id, approved)).approved is approved
        (call,) = stream.tool_calls.values()
    assert call.state == ("output-available" if approved else "output-denied")


@pytest.mark.parametrize("approved", [True, False])
async def test_assistant_approvals_pass_through(approved: bool) -> None:
    """The re-posted message goes on behind the gateway too"""
    chat_id = new_id()
    async with through_gateway(ScriptedKai([[ask("w", {"a": 1}, "done"), say("Fine.")]]), "assistant") as client:
        first = client.send_message(chat_id, "go")
        await first.get_final_message()
        (call,) = first.tool_calls.values()
        assert call.approval is not None
        answer = client.run(chat_id, approve=by_id({call.approval.id: approved}))
        await answer.get_final_message()
        assert answer.tool_calls[call.tool_call_id].state == ("output-available" if approved else "output-denied")


async def test_errors_pass_through() -> None:
    """The upstream's refusal has its class and code on the far side"""
    async with through_gateway(ScriptedKai(["one"], quota=1)) as client:
        await client.chat("go")
        with pytest.raises(KaiRateLimitError) as caught:
            await client.chat("go")
        assert (caught.value.code, caught.value.status_code) == ("rate_limit:chat", 429)
        with pytest.raises(KaiForbiddenError):
            await client.delete_chat(new_id())


async def test_only_named_tokens_pass() -> None:
    """A gateway speaks for one account: who is not named is refused"""
    async with (
        serve(kai_app(ScriptedKai())) as upstream,
        KaiClient("upstream-token", upstream, upstream) as inner,
        serve(kai_app(inner, tokens=["gateway-token"])) as gateway,
        KaiClient("stranger", gateway, gateway) as stranger,
    ):
        with pytest.raises(KaiAuthenticationError):
            await stranger.get_history()


async def test_an_upstream_that_is_gone_is_503() -> None:
    """A gateway whose upstream cannot be reached says so, without naming it"""
    async with serve(kai_app(ScriptedKai())) as upstream:
        pass
    async with (
        KaiClient("upstream-token", upstream, upstream) as inner,
        serve(kai_app(inner)) as gateway,
        KaiClient("a-token", gateway, gateway) as client,
    ):
        with pytest.raises(Exception, match="cannot be reached") as caught:
            await client.get_usage()
    assert getattr(caught.value, "status_code", None) == 503
    assert upstream.rsplit(":", 1)[1] not in str(caught.value)


async def test_leaving_the_gateway_leaves_the_upstream() -> None:
    """A client that goes away from the gateway frees what waits behind it"""
    kai = ScriptedKai([[ask("w")]])
    async with through_gateway(kai) as client:
        async for event in client.send_message(new_id(), "go"):
            if isinstance(event, ToolCallEvent) and event.state == "input-available":
                break
        assert len(kai.approvals) == 1
        await until(lambda: len(kai.approvals) == 0)


async def test_resuming_passes_through() -> None:
    """204 behind the gateway is 204 before it, a running answer is replayed"""
    chat_id = new_id()
    words = " ".join(f"word{n}" for n in range(30))
    async with through_gateway(ScriptedKai([words], pace=0.01), "assistant") as client:
        async for _ in client.send_message(chat_id, "go"):
            break
        assert await client.resume_stream(chat_id).get_final_text() == words
        assert [event async for event in client.resume_stream(chat_id)] == []


@pytest.mark.filterwarnings("ignore:Use client.run:DeprecationWarning")
@pytest.mark.parametrize(("result", "state"), [("confirmed", "output-available"), ("denied", "output-denied")])
async def test_the_oldest_answers_pass_through(result: str, state: str) -> None:
    """A tool result by a user message reaches the upstream, as the answer to what the upstream asked"""
    chat_id = new_id()
    async with through_gateway(ScriptedKai([[ask("w", {}, "done"), say("Fine.")]]), "assistant") as client:
        first = client.send_message(chat_id, "go")
        await first.get_final_message()
        (call,) = first.tool_calls.values()
        answer = client.send_tool_result(chat_id, call.tool_call_id, "w", result)
        await answer.get_final_message()
        assert answer.tool_calls[call.tool_call_id].state == state


class Weather:
    """A tool of the client's own side."""

    def runs(self, tool_name: str) -> bool:
        """The weather alone."""
        return tool_name == "weather"

    def policy_for(self, tool_name: str) -> Policy | None:
        """None."""
        return None

    async def answer(self, call: ToolCall) -> LocalResult:
        """The weather at the place that was asked for."""
        return LocalResult({"weather": f"rain in {call.input['place']}"})


async def test_several_answers_at_once_pass_through() -> None:
    """A step with two decisions and a result of the client's own tool is answered in one request through the gateway"""
    calls = [ask("w", {"n": 1}, "one"), ask("w", {"n": 2}, "two"), call("weather", {"place": "Brno"}, client_side=True)]
    async with through_gateway(ScriptedKai([[*calls, say("Fine.")]]), "assistant") as client:
        run = client.run(new_id(), "go", approve=lambda asked: asked.input == {"n": 1}, tools=Weather())
        message = await run.get_final_message()
    assert [(part.state, part.get("output")) for part in message.tool_parts] == [
        ("output-available", "one"),
        ("output-denied", None),
        ("output-available", {"weather": "rain in Brno"}),
    ]


async def test_what_a_text_service_cannot_take_is_refused() -> None:
    """Files, one decision where two wait, and answers that nobody asked for are 400 at a gateway, not lost"""
    chat_id = new_id()
    picture = {"type": "file", "mediaType": "image/png", "name": "a.png", "url": "data:,"}
    kai = ScriptedKai([[ask("w", {"n": 1}), ask("w", {"n": 2})], "Fine."])
    async with (
        serve(kai_app(kai, mode="assistant")) as upstream,
        KaiClient("upstream-token", upstream, upstream) as inner,
        local_api(inner, mode="assistant") as api,
    ):
        chunks = await api.send(chat_id, "go")
        first, _ = [chunk["approvalId"] for chunk in chunks if chunk["type"] == "tool-approval-request"]
        decision = {"type": "tool-approval-response", "approvalId": first, "approved": True}
        other = new_id()
        await api.send(other, "go")
        for chat, part in ((chat_id, picture), (chat_id, decision), (other, decision)):
            message = {"id": new_id(), "role": "user", "parts": [part]}
            response = await api.http.post("/api/chat", json=api.body(chat, "-", message=message))
            assert (response.status_code, error_of(response, "assistant")[0]) == (400, "bad_request:api")
        stored = await api.messages(chat_id)
    assert [part["state"] for part in stored[1]["parts"] if "state" in part] == ["approval-requested"] * 2
