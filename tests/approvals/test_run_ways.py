"""The ways to a backend: how many connections, which catalogue, and that nothing is left behind at any end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from run_handmade import (
    CHAT,
    WAIT,
    HandmadeKai,
    called,
    finish,
    garbage,
    output,
    page,
    requested,
    start,
    waiting_part,
    words,
)
from run_handmade import chat_of as stored_chat
from run_scenes import (
    AGENT,
    AGENTS,
    ASSISTANTS,
    LISTING,
    ONCE,
    TOKEN,
    Kind,
    Notes,
    Received,
    client_of,
    one_call,
    scene_of,
)

from kai_client import Approval, KaiClient, KaiConfigError, KaiError, Limits, Timeouts, approve_all
from kai_client.server import Execution, ScriptedKai, WireStyle, ask, call, kai_app, say, serve

CROWDED = Timeouts(pool=0.2)


@pytest.mark.parametrize("kind", AGENTS, ids=str)
async def test_one_connection_is_too_few_beside_a_stream(kind: Kind) -> None:
    """A client of one connection says at once that it cannot decide, instead of waiting for itself."""
    async with scene_of(kind, one_call(), limits=Limits(connections=1)) as scene:
        notes = Notes(rules=True)
        with pytest.raises(KaiConfigError) as caught:
            await scene.run(notes).get_final_message()
        assert (caught.value.code, notes.asked, scene.posts) == ("approval:one_connection", [], [])
        await scene.client.ping()


@asynccontextmanager
async def narrow(kind: Kind, url: str, **options: Any) -> AsyncGenerator[KaiClient]:
    """A client over an HTTP client of the user's own that has one connection."""
    async with (
        httpx.AsyncClient(limits=httpx.Limits(max_connections=1)) as http,
        client_of(kind, url, http_client=http, retry=ONCE, **options) as client,
    ):
        yield client


@pytest.mark.parametrize("kind", AGENTS, ids=str)
async def test_one_connection_of_the_users_own_client(kind: Kind) -> None:
    """The same where only the pool's timeout can tell."""
    async with scene_of(kind, one_call()) as scene, narrow(kind, scene.url, timeout=CROWDED) as client:
        with pytest.raises(KaiConfigError) as caught:
            await client.run(scene.chat_id, "go", approve=approve_all).get_final_message()
        assert caught.value.code == "approval:one_connection"
        await client.ping()


@pytest.mark.parametrize("kind", ASSISTANTS[:1], ids=str)
@pytest.mark.parametrize("own", [True, False])
async def test_one_connection_is_enough_for_an_assistant(kind: Kind, own: bool) -> None:
    """Its stream has ended when the decision is made."""
    ran: list[Any] = []
    async with scene_of(kind, one_call(ran), limits=Limits(connections=1)) as scene:
        if own:
            assert await scene.run(approve_all).get_final_text() == "Done."
        else:
            async with narrow(kind, scene.url, timeout=CROWDED) as client:
                assert await client.run(scene.chat_id, "go", approve=approve_all).get_final_text() == "Done."
    assert ran == [{"n": 1}]


@pytest.mark.parametrize("kind", AGENTS, ids=str)
async def test_two_connections_are_enough_for_an_agent(kind: Kind) -> None:
    """One for the stream, one for all that is asked beside it."""
    async with scene_of(kind, one_call(), limits=Limits(connections=2)) as scene:
        assert await scene.run(approve_all).get_final_text() == "Done."


CATALOGUES: dict[str, Any] = {
    "404": 404,
    "405": 405,
    "401": 401,
    "403": 403,
    "500": 500,
    "503": 503,
    "page": page(),
    "page 404": page(404),
    "page 500": page(500),
    "garbage": garbage(),
    "a list": [],
    "null": garbage("text/plain"),
    "other JSON": {"tools": "none"},
    "nothing": {},
}


@pytest.mark.parametrize("tools", CATALOGUES)
@pytest.mark.parametrize("settings", ["404", "500", "garbage"])
async def test_an_agent_without_a_usable_catalogue_is_asked_about_everything(tools: str, settings: str) -> None:
    """Whatever becomes of the catalogue of a known agent, its call is decided and its answer goes on."""
    stream = [start(), called("c1"), WAIT, output("c1"), *words("Done."), finish()]
    kai, notes = HandmadeKai(stream, tools=CATALOGUES[tools], settings=CATALOGUES[settings]), Notes(rules=True)
    async with kai.served(), KaiClient("token", kai.url, kai.url, backend="kai-agent", retry=ONCE) as client:
        assert await client.run(CHAT, "go", approve=notes).get_final_text() == "Done."
    assert notes.asked == ["c1"]
    assert len(kai.decisions) == 1
    assert kai.reads.count("tools") <= 1
    assert kai.reads.count("settings") <= 1


UNKNOWN_AGENT = ["401", "403", "500", "503", "page 500", "a list", "other JSON", "nothing"]


@pytest.mark.parametrize("tools", UNKNOWN_AGENT)
async def test_an_unknown_agent_with_a_broken_catalogue_does_not_hang(tools: str) -> None:
    """A catalogue that fails does not make an agent an assistant: its call is decided while the stream is open."""
    stream = [start(), called("c1"), WAIT, output("c1"), *words("Done."), finish()]
    kai, notes = HandmadeKai(stream, tools=CATALOGUES[tools]), Notes(rules=True)
    async with kai.served(), KaiClient("token", kai.url, kai.url, retry=ONCE) as client, asyncio.timeout(3):
        assert await client.run(CHAT, "go", approve=notes).get_final_text() == "Done."
    assert (notes.asked, len(kai.decisions)) == (["c1"], 1)


@pytest.mark.parametrize("tools", CATALOGUES)
@pytest.mark.parametrize("ruling", [True, False])
async def test_an_unknown_assistant_is_decided_once_whatever_it_answers_about_tools(tools: str, ruling: bool) -> None:
    """Where decisions are taken after the stream, the one that was made is posted, and nobody is asked twice."""
    asks = [start(), called("c1"), requested("c1"), finish("tool-calls")]
    kai = HandmadeKai(asks, [start(), output("c1"), *words("Done."), finish()], tools=CATALOGUES[tools], decided=404)
    notes = Notes(ruling)
    async with kai.served(), KaiClient("token", kai.url, kai.url, retry=ONCE) as client:
        assert await client.run(CHAT, "go", approve=notes).get_final_text() == "Done."
    assert notes.asked == ["c1"]
    (message,) = [body["message"] for body in kai.chats[1:]]
    assert message["parts"][0]["approval"] == {"id": "a-c1", "approved": ruling}


async def test_the_oldest_flow_of_an_assistant_that_has_a_catalogue() -> None:
    """A bare call at the end of a stream is confirmed, even where the backend looked like an agent until then."""
    asks = [start(), called("c1"), finish("tool-calls")]
    rest = [start("m2"), output("c1"), *words("Done."), finish()]
    kai = HandmadeKai(asks, rest, tools={"tools": []}, settings={}, decided=404)
    notes = Notes(rules=True)
    async with kai.served(), KaiClient("token", kai.url, kai.url) as client:
        assert await client.run(CHAT, "go", approve=notes).get_final_text() == "Done."
    assert (notes.asked, len(kai.chats)) == (["c1"], 2)


async def test_an_assistant_that_looked_like_an_agent_takes_no_other_arguments() -> None:
    """A decision that nobody took while the stream was open is not posted later without its arguments."""
    asks = [start(), called("c1", given={"n": 1}), requested("c1"), finish("tool-calls")]
    kai = HandmadeKai(asks, [start(), output("c1"), finish()], tools={"tools": []}, decided=404)
    async with kai.served(), KaiClient("token", kai.url, kai.url) as client:
        with pytest.raises(KaiError) as caught:
            await client.run(CHAT, "go", approve=Notes(Approval(updated_input={"n": 2}))).get_final_message()
    assert caught.value.code == "approval:unsupported"
    assert [body["message"]["parts"][0]["approval"]["approved"] for body in kai.chats[1:]] in ([], [False])


PERMISSIONS: list[tuple[str | None, bool, bool, bool]] = [
    (None, False, False, True),
    (None, True, True, False),
    ("always_ask", False, True, True),
    ("always_ask", True, True, True),
    ("always_allow", False, True, False),
    ("always_allow", True, True, False),
    ("blocked", False, False, False),
    ("blocked", True, False, False),
]


@pytest.mark.parametrize("kind", AGENTS, ids=str)
@pytest.mark.parametrize(("permission", "reads", "runs", "asked"), PERMISSIONS)
async def test_the_users_permissions_decide_who_is_asked(
    kind: Kind, permission: str | None, reads: bool, runs: bool, asked: bool
) -> None:
    """What the backend runs or blocks by itself is not asked about; what the user wants to be asked about is."""
    ran: list[Any] = []

    def run(execution: Execution) -> str:
        ran.append(execution.input)
        return "ok"

    script = [(call if reads else ask)("t", {"n": 1}, run, id="c1"), say("Done.")]
    async with scene_of(kind, script) as scene:
        if permission is not None:
            await scene.client.update_user_settings(tool_permissions={"t": permission})
        notes = Notes(rules=runs)
        assert (await scene.run(notes).get_final_text()).endswith("Done.") or not runs
        assert scene.received == ([Received("c1", runs)] if asked else [])
    assert notes.asked == (["c1"] if asked else [])
    assert [one.read_only for one in notes.calls] == ([reads] if asked else [])
    assert len(ran) == runs


async def test_the_catalogue_is_read_when_the_first_tool_is_called() -> None:
    """A run without tools reads nothing but its answer; one with many reads the catalogue once."""
    async with scene_of(AGENT, "Hi") as scene:
        before = len(scene.app.requests)
        await scene.run(approve_all).get_final_text()
        assert [request.path for request in scene.app.requests[before:]] == ["/api/chat"]
        scene.kai.reply([ask("a", {}, 1), ask("b", {}, 1), say("So."), ask("c", {}, 1)])
        await scene.run(approve_all).get_final_text()
        paths = [request.path for request in scene.app.requests]
    assert paths.count("/api/settings/tools") == paths.count("/api/settings/user") == 1


async def test_a_resumed_chat_of_an_unknown_backend() -> None:
    """A run without a text asks the chat, not the catalogue."""
    kai = HandmadeKai([start(), output("c1"), *words("Done."), finish()], chat=stored_chat(waiting_part("c1")))
    async with kai.served(), KaiClient("token", kai.url, kai.url) as client:
        assert await client.run(CHAT, approve=approve_all).get_final_text() == "Done."
    assert "tools" not in kai.reads


async def test_both_services_of_one_app() -> None:
    """The assistant under an agent's address is decided in the assistant's way."""
    kai = ScriptedKai([])
    kai.reply(one_call())
    app, front = AGENT.app(kai)
    async with (
        serve(front) as url,
        KaiClient.from_storage_api(TOKEN, url, service="kai-assistant") as client,
    ):
        stream = client.run("12345678-1234-5678-1234-567812345678", "go", approve=approve_all)
        assert await stream.get_final_text() == "Done."
        assert not [request for request in app.requests if request.path.endswith("/approval")]


@pytest.mark.parametrize("kind", ASSISTANTS, ids=str)
async def test_an_assistant_gets_no_decision_beside_its_stream(kind: Kind) -> None:
    """It has no route for that, so nothing is posted there."""
    async with scene_of(kind, one_call()) as scene:
        await scene.run(approve_all).get_final_text()
        assert [request.path for request in scene.posts] == ["/api/chat"]


async def test_the_local_assistant_has_no_catalogue() -> None:
    """As protocol 2.1 has it, the local server in assistant mode has no settings: a client can tell the two apart."""
    kai = ScriptedKai([])
    kai.reply(one_call())
    app = kai_app(kai, mode="assistant")
    async with serve(app) as url, KaiClient(TOKEN, url, url) as client:
        assert await client.run(CHAT, "go", approve=approve_all).get_final_text() == "Done."
        assert not [request.path for request in app.requests if request.path.endswith("/approval")]


@pytest.mark.parametrize("kind", [*ASSISTANTS, LISTING], ids=str)
@pytest.mark.parametrize(
    "style", [WireStyle(shapes="legacy"), WireStyle(byte_by_byte=True, done=False)], ids=["legacy", "bytes"]
)
async def test_a_denied_call_ends_the_turn_in_every_dress(kind: Kind, style: WireStyle) -> None:
    """A no is a no in the oldest chunks too."""
    ran: list[Any] = []
    async with scene_of(kind, one_call(ran), style=style) as scene:
        text = await scene.run(Notes(rules=False)).get_final_text()
        assert text == "I did not run `a`, since it was refused."
    assert ran == []
