"""A local server as a test sees it: what it answers, and what it was sent. Both clients."""

import os
import unittest
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Literal, cast

import httpx
import pytest

from kai_client import KaiClient, KaiForbiddenError, KaiServerError, approve_all, by_id, deny_all
from kai_client.server import Gate, StorageIndex, WireStyle, ask, call, fail, finish, kai_app, say, think, usage
from kai_client.sync import KaiClient as SyncKaiClient
from kai_client.testing import KaiServer, running_server

strict = pytest.mark.kai_server(sample=False)
"""As in a project that sets nothing."""


@strict
async def test_a_conversation_in_five_lines(kai_server: KaiServer, kai_client: KaiClient) -> None:
    """Script, ask, look at what was sent"""
    kai_server.reply(call("list_tables", {"bucket": "in.c-crm"}, ["customers"]), say("One: customers."))
    _, text = await kai_client.chat("Which tables?")
    assert text == "One: customers."
    assert kai_server.asked == ["Which tables?"]


@strict
def test_the_same_without_a_loop(kai_server: KaiServer, sync_kai_client: SyncKaiClient) -> None:
    """The blocking client, in a test that is no coroutine"""
    kai_server.reply("Hello, Ada!")
    chat_id, text = sync_kai_client.chat("I am Ada")
    assert text == "Hello, Ada!"
    assert [(message.text, message.chat_id) for message in kai_server.messages] == [("I am Ada", chat_id)]


def test_several_turns_and_patterns() -> None:
    """Replies in order for a chat of several turns; a pattern answers whenever it is found"""
    with running_server() as server, server.sync_client() as client:
        server.reply("Which Ada?")
        server.reply("Ah, Lovelace.")
        server.reply("You are welcome.", when="thank")
        chat_id = client.new_chat_id()
        said = [client.chat(text, chat_id=chat_id)[1] for text in ("I am Ada", "Thanks!", "Lovelace", "Thank you")]
        assert said == ["Which Ada?", "You are welcome.", "Ah, Lovelace.", "You are welcome."]
        assert len(client.get_chat(chat_id).messages) == 8


def test_usage_finish_reason_and_suggestions() -> None:
    """What surrounds an answer is scripted with the same words"""
    with running_server() as server, server.sync_client() as client:
        server.reply(think("Hm."), say("So"), usage(3, 4), finish("length"))
        server.suggest("Why did it fail?", "Run it again", context="job-detail")
        with client.send_message(client.new_chat_id(), "Go on") as stream:
            assert stream.get_final_text() == "So"
        assert (stream.finish_reason, stream.usage.total_tokens) == ("length", 7)
        found = client.get_suggestions("job-detail", {})
        assert [(each.prompt, each.priority) for each in found.suggestions] == [
            ("Why did it fail?", 1),
            ("Run it again", 2),
        ]
        assert len(client.get_suggestions("dashboard", {}).suggestions) == 3


@pytest.mark.parametrize("mode", ["agent", "assistant"])
async def test_decisions(mode: Literal["agent", "assistant"]) -> None:
    """Whichever way a backend is told, a decision names its tool"""
    with running_server(mode=mode) as server:
        server.reply(ask("create_bucket", {"name": "a"}, "made"), ask("drop_bucket", {"name": "b"}), say("Done."))
        server.reply(ask("run_job", {"id": 1}, "ran"), say("Ran."))
        async with server.client() as client:
            chat_id = client.new_chat_id()
            await client.run(chat_id, "Do it", approve=lambda each: each.tool_name == "create_bucket").get_final_text()
            await client.run(chat_id, "And", approve=approve_all).get_final_text()
        assert [(each.tool, each.approved, each.chat_id) for each in server.decisions] == [
            ("create_bucket", True, chat_id),
            ("drop_bucket", False, chat_id),
            ("run_job", True, chat_id),
        ]


async def test_decisions_of_older_clients() -> None:
    """The superseded ways are decisions, too"""
    with running_server(mode="assistant") as server:
        server.reply(ask("create_bucket", {"name": "a"}, "made"), say("Done."))
        async with server.client() as client:
            chat_id = client.new_chat_id()
            stream = client.run(chat_id, "Do it", approve=by_id({}))
            waiting = (await stream.get_final_message()).tool_parts[0]
            with pytest.warns(DeprecationWarning, match="run"):
                rest = client.confirm_tool(  # pyright: ignore[reportDeprecated]
                    chat_id, waiting.tool_call_id, waiting.tool_name
                )
            assert [event async for event in rest]
        assert [(each.tool, each.approved) for each in server.decisions] == [("create_bucket", True)]


def test_what_a_message_carries() -> None:
    """The fields of a message are told by name; the `repr` has those that say something"""
    with running_server() as server, server.sync_client() as client:
        server.reply("Yes")
        chat_id = client.new_chat_id()
        client.send_message(chat_id, "Hi", branch_id=7, hidden=True, request_path="/here").get_final_text()
        (message,) = server.messages
        assert (message.branch_id, message.hidden, message.request_path, message.visibility) == (
            7,
            True,
            "/here",
            "private",
        )
        assert repr(message) == (
            f"SentMessage(text='Hi', chat_id='{chat_id}', id='{message.id}', branch_id=7, hidden=True, request_path='/here')"
        )


def test_votes() -> None:
    """A vote is told by name"""
    with running_server() as server, server.sync_client() as client:
        server.reply("Yes")
        chat_id, _ = client.chat("Hi")
        answer = client.get_chat(chat_id).messages[-1].id
        client.downvote(chat_id, answer)
        (vote,) = server.votes
        assert (vote.type, vote.chat_id, vote.message_id) == ("down", chat_id, answer)


def test_what_is_not_scripted_fails_loudly() -> None:
    """The client gets an error that quotes the message; so does the end of the block, if the test swallowed it"""

    def app_that_hides_errors(server: KaiServer) -> None:
        with (
            server.sync_client() as client,
            pytest.raises(KaiServerError, match="no turn for this message: 'Surprise'"),
        ):
            client.chat("Surprise")

    with pytest.raises(AssertionError, match="Nothing was scripted for this message: 'Surprise'"):  # noqa: SIM117
        with running_server() as server:
            app_that_hides_errors(server)


UNUSED: dict[str, tuple[Callable[[KaiServer], object], str]] = {
    "reply": (lambda server: server.reply("Never asked for"), "Nobody asked for 1 of the scripted replies"),
    "stream": (lambda server: server.next_stream(drop_after=3), r"No stream came for next_stream\(drop_after=3\)"),
    "response": (lambda server: server.next_response(503), r"No request came for next_response\(status=503\)"),
}


@pytest.mark.parametrize("what", UNUSED)
def test_what_is_scripted_must_be_asked_for(what: str) -> None:
    """A reply or a fault that nothing used means that the test does not test what it says"""
    script, told = UNUSED[what]
    with pytest.raises(AssertionError, match=told), running_server() as server:
        script(server)


def test_the_sample_project_answers_if_asked_to() -> None:
    """With `sample` the built-in assistant is there, and nothing is checked"""
    with running_server(sample=True) as server, server.sync_client() as client:
        server.reply("Scripted", when="never")
        assert "in.c-crm.customers" in client.chat("Which tables do I have?")[1]
        server.reply("Never asked for")


MISTAKES: dict[str, tuple[Callable[[KaiServer], object], type[Exception], str]] = {
    "chunk": (
        lambda server: server.reply(cast("str", {"type": "text"})),
        TypeError,
        r"not {'type': 'text'}.*raw\(\.\.\.\)",
    ),
    "item": (lambda server: server.reply("Well.", cast("str", 7)), TypeError, "not 7"),
    "mode": (
        lambda server: kai_app(server.kai, mode=cast("Any", "kai-agent")),
        ValueError,
        "'agent'.* not 'kai-agent'",
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_of_the_test_is_said_where_it_is_made(what: str) -> None:
    """What is no reply, or no backend, is refused in the line that says so, instead of an empty answer or an error later"""
    script, kind, told = MISTAKES[what]
    with running_server() as server, pytest.raises(kind, match=told):
        script(server)


def test_an_error_of_the_test_is_not_covered_up() -> None:
    """What the block raises is what is seen, not what the server would say"""
    with pytest.raises(ZeroDivisionError), running_server() as server:  # noqa: PT012 - the order of the two is the point
        server.reply("Never asked for")
        raise ZeroDivisionError


def test_several_servers_share_nothing() -> None:
    """Each has its own replies, chats and requests"""
    with ExitStack() as stack:
        servers = [stack.enter_context(running_server()) for _ in range(3)]
        clients = [stack.enter_context(server.sync_client()) for server in servers]
        for number, (server, client) in enumerate(zip(servers, clients, strict=True)):
            server.reply(f"I am {number}")
            assert client.chat(f"Who is {number}?")[1] == f"I am {number}"
        assert [server.asked for server in servers] == [["Who is 0?"], ["Who is 1?"], ["Who is 2?"]]
        assert [len(client.get_history().chats) for client in clients] == [1, 1, 1]


class WithUnittest(unittest.TestCase):
    """A plain `unittest.TestCase`."""

    def setUp(self) -> None:
        """A server for each test."""
        self.server = self.enterContext(running_server())

    def test_it(self) -> None:
        """It works where there are no fixtures."""
        self.server.reply("Hello")
        with self.server.sync_client() as client:
            assert client.chat("Hi")[1] == "Hello"


@strict
def test_an_app_that_reads_the_environment(kai_server: KaiServer, kai_env: dict[str, str]) -> None:
    """`KaiClient.from_env()` finds the server"""
    kai_server.reply("Hello")
    with SyncKaiClient.from_env() as client:
        assert client.chat("Hi")[1] == "Hello"
    assert {name: os.environ[name] for name in kai_env} == kai_server.env


TOKENS = ["12-345-Secret/Secret+Secret", 'a"b\\c{d}%20&']


@pytest.mark.parametrize("token", TOKENS)
def test_no_token_is_in_what_was_recorded(token: str) -> None:
    """Not in a header, a path, a query or a body, whatever the client puts there"""
    with running_server() as server, httpx.Client(base_url=server.url, headers={"x-storageapi-token": token}) as http:
        url = httpx.URL(server.url, path=f"/{token}/x", params={token: token})
        http.post(url, json={"text": f"Bearer {token}", token: [token]}, headers={"x-other": token})
        (request,) = server.requests
        everything = repr((request, request.headers))
        assert everything.count("***") == 8
        assert token[:8] not in everything


async def test_a_gate_in_a_script(kai_server: KaiServer, kai_client: KaiClient) -> None:
    """The server is silent in the middle of an answer until the test says so"""
    gate = Gate()
    kai_server.reply(say("One "), gate, say("two"))
    async with kai_client.send_message(kai_client.new_chat_id(), "Count") as stream:
        texts = aiter(stream.text_stream)
        assert await anext(texts) == "One"
        await gate.wait_async()
        assert stream.text.strip() == "One"
        gate.open()
        assert "".join([text async for text in texts]).strip() == "two"


def test_a_gate_that_nothing_comes_to() -> None:
    """Waiting for the server has an end"""
    with pytest.raises(TimeoutError, match="Nothing came to the gate within 0 s"):
        Gate().wait(0)


def test_options_are_those_of_the_script_and_the_app() -> None:
    """`running_server` takes the options of `ScriptedKai` and of `kai_app`"""
    options: dict[str, Any] = {
        "script": ["Hello"],
        "quota": 1,
        "tokens": ["only-this"],
        "style": WireStyle(steps=False),
    }
    with running_server(**options) as server, server.sync_client() as client:
        assert client.chat("Hi")[1] == "Hello"
        assert client.get_usage().messages_limit == 1
        assert server.token == "only-this"


@strict
def test_servers_of_a_factory(kai_server_factory: Callable[..., KaiServer]) -> None:
    """As many as a test wants, of any kind; they end with it"""
    kinds: list[Literal["agent", "assistant"]] = ["agent", "assistant"]
    for mode in kinds:
        server = kai_server_factory(mode=mode)
        server.reply("Hello")
        with server.sync_client() as client:
            assert client.backend == f"kai-{mode}"
            client.chat("Hi")


def test_the_index_may_change() -> None:
    """What discovery finds is what the test says at that moment"""
    with running_server() as server:
        server.index = StorageIndex(services={"kai-agent": f"{server.url}/kai-assistant"})
        server.reply(fail("Not today", status=403))
        with server.sync_client() as client, pytest.raises(KaiForbiddenError, match="Not today"):
            client.chat("Hi")
        assert server.requests[-1].path == "/kai-assistant/api/chat"


async def test_denials_are_decisions(kai_server: KaiServer, kai_client: KaiClient) -> None:
    """A policy that denies shows as such"""
    kai_server.reply(ask("drop_bucket", {"name": "all"}, denied="Kept."))
    await kai_client.run(kai_client.new_chat_id(), "Drop it", approve=deny_all).get_final_text()
    assert [(each.tool, each.approved) for each in kai_server.decisions] == [("drop_bucket", False)]
