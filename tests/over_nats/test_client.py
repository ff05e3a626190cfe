"""`NatsKai` is what `KaiClient` is: the same methods, runs with approvals, recovery, and a service for `kai_app`."""

import inspect
import subprocess
import sys

import pytest
from nats_broker import Broker
from services import bare, echo, saying, served, service

from kai_client import KaiClient
from kai_client.exceptions import KaiBadRequestError, KaiNotFoundError
from kai_client.nats import NatsKai
from kai_client.server import KaiHost, KaiService, Question, ScriptedKai, ask, pause, say, serve
from kai_client.server.app import kai_app
from kai_client.types import JsonObject

MODES = ["kai-agent", "kai-assistant"]


def test_it_has_the_methods_of_a_client() -> None:
    """Every public method of `KaiClient` that is not superseded is there, with the same parameters"""
    superseded = {
        "send_tool_approval_response",
        "approve_tool",
        "reject_tool",
        "send_tool_result",
        "confirm_tool",
        "deny_tool",
    }
    http = {"base_url", "storage_api_url", "from_storage_api", "from_env"}
    missing = {name for name in dir(KaiClient) if not name.startswith("_")} - set(dir(NatsKai))
    assert missing == superseded | http
    for name in ("send_message", "chat", "run", "get_history", "submit_approval", "update_user_settings"):
        assert inspect.signature(getattr(NatsKai, name)) == inspect.signature(getattr(KaiClient, name))


async def test_it_is_a_whole_service(broker: Broker) -> None:
    """For `kai_app` it is a service, and a host that keeps callers apart"""
    async with served(broker.url, ScriptedKai()) as kai:
        as_service: KaiService = kai
        as_host: KaiHost = kai
        assert isinstance(as_service, KaiService)
        assert isinstance(as_host, KaiHost)


@pytest.mark.parametrize("backend", MODES)
async def test_a_run(broker: Broker, backend: str) -> None:
    """A run asks about each call and carries the answer on, in the manners of either backend"""
    script = ScriptedKai([[say("I will."), ask("w", {"n": 1}, "one"), ask("w", {"n": 2}, "two"), say("Done.")]])
    async with served(broker.url, script, backend=backend) as kai:
        run = kai.run(kai.new_chat_id(), "go", approve=lambda call: call.input == {"n": 1})
        message = await run.get_final_message()
        assert message.text.endswith("Done.")
        assert [part.state for part in message.tool_parts] == ["output-available", "output-denied"]


async def test_the_other_methods(broker: Broker) -> None:
    """History, votes, usage, settings, tools and suggestions are the service's own"""
    async with served(broker.url, ScriptedKai()) as kai:
        chat_id, text = await kai.chat("Which tables do I have?")
        assert "`in.c-crm.customers`" in text
        messages = (await kai.get_chat(chat_id)).messages
        assert [message.role for message in messages] == ["user", "assistant"]
        assert [chat.id async for chat in kai.get_all_history()] == [chat_id]
        assert (await kai.upvote(chat_id, messages[1].id)).type == "up"
        assert [vote.type for vote in await kai.get_votes(chat_id)] == ["up"]
        assert (await kai.get_usage()).messages_used == 1
        assert (await kai.update_settings(custom_instructions="Be brief")).custom_instructions == "Be brief"
        assert (await kai.update_settings(custom_instructions=None)).custom_instructions is None
        await kai.update_user_settings(tool_permissions={"query_data": "blocked"})
        assert (await kai.get_user_settings()).tool_permissions == {"query_data": "blocked"}
        assert (await kai.get_tools()).tools
        assert (await kai.get_suggestions("dashboard", {})).suggestions
        assert (await kai.info()).app_name == "kai-local"
        assert [event async for event in kai.resume_stream(chat_id)] == []
        await kai.delete_chat(chat_id)
        with pytest.raises(KaiNotFoundError):
            await kai.get_chat(chat_id)


async def test_users_are_kept_apart(broker: Broker) -> None:
    """What one user has, another does not see"""
    async with served(broker.url, ScriptedKai()) as kai:
        ann, bob = kai.with_meta(user="ann"), kai.with_meta(user="bob")
        chat_id, _ = await ann.chat("Hi")
        assert [chat.id for chat in (await ann.get_history()).chats] == [chat_id]
        assert (await bob.get_history()).chats == []


async def test_options_of_a_message(broker: Broker) -> None:
    """What a message is sent with reaches the backend; what was not given does not"""
    seen: list[JsonObject] = []

    def turn(question: Question) -> str:
        seen.append(question.options)
        return "ok"

    async with served(broker.url, ScriptedKai([turn] * 3)) as kai:
        await kai.chat("Hi", branch_id=0, hidden=True, request_path="/x", tool_restrictions={"allowed_tools": ["a"]})
        await kai.infer("Hi", branch_id=0, hidden=True, request_path="/x", tool_restrictions={"allowed_tools": ["a"]})
        await kai.chat("Hi")
        with pytest.raises(KaiBadRequestError, match="temperature"):
            await kai.infer("Hi", temperature=1)
    assert seen[0] == seen[1]
    assert {"branch_id": 0, "hidden": True, "request_path": "/x"}.items() <= seen[0].items()
    assert seen[2] == {"visibility": "private"}


async def test_a_lost_connection_is_recovered(broker: Broker) -> None:
    """With `recover` a broker that crashes in the middle of an answer costs nothing: the rest is fetched"""
    script = ScriptedKai([[say("So"), pause(2), say(" long.")]])
    async with served(broker.url, script, backend="kai-assistant", silence=1.5) as kai:
        stream = kai.send_message(kai.new_chat_id(), "go", recover=True)
        await anext(stream)
        await broker.restart(kill=True)
        assert await stream.get_final_text() == "So long."


async def test_a_client_behind_the_service(broker: Broker) -> None:
    """The usual service: a `KaiClient` with the credentials, which its callers over NATS do not have"""
    async with (
        serve(kai_app(ScriptedKai(), tokens=["the-only-token"])) as url,
        KaiClient("the-only-token", url, url) as upstream,
        served(broker.url, upstream) as kai,
    ):
        assert "| CZ | 15 |" in (await kai.chat("How many orders per country?"))[1]
        assert (await kai.infer("How many orders per country?")).finish_reason == "stop"


async def test_a_subject_of_ones_own(broker: Broker) -> None:
    """Two services on two subjects of one broker do not know of each other"""
    async with (
        service(broker.url, saying("one"), subject="a.infer", queue="a"),
        service(broker.url, echo(), subject="b.infer", queue="b"),
    ):
        connection = await bare(broker.url)
        assert (await NatsKai(connection, subject="a.infer").chat("Hi"))[1] == "one"
        assert (await NatsKai(connection, subject="b.infer").chat("Hi"))[1] == "Hi"
        await connection.close()


def test_it_needs_no_web_server() -> None:
    """The extra `nats` alone is enough: nothing of FastAPI, Starlette or uvicorn is imported"""
    program = """
import sys
sys.modules.update(dict.fromkeys(["fastapi", "starlette", "uvicorn"]))
from kai_client.nats import NatsKai, kai_router
from kai_client.server import ScriptedKai
kai_router(ScriptedKai())
"""
    subprocess.run([sys.executable, "-W", "error", "-c", program], check=True)
