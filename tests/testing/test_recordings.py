"""A conversation that was recorded, and what is played back of it: the same, to the last event."""

import base64
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kai_client import (
    Denial,
    KaiBadRequestError,
    KaiConfigError,
    KaiError,
    KaiRateLimitError,
    KaiStreamError,
    RetryPolicy,
    approve_all,
)
from kai_client.events import SSEEvent
from kai_client.server import WireStyle, ask, call, fail, say, source, think, title, usage
from kai_client.sync import KaiClient
from kai_client.testing import KaiServer, record, running_server
from kai_client.testing.cassette import Cassette, Ending, Entry

TOKEN = "12-345-SecretSecretSecret"
CHAT = "2b7ad0b5-8d8c-4a0f-9a53-4f6c2f9d6a01"
ONCE = RetryPolicy(attempts=1)

Talk = Callable[[KaiServer], Any]


@contextmanager
def replayed(path: Path, **options: Any) -> Generator[KaiServer]:
    """A server that plays a recording; all of it must be asked for."""
    with running_server() as server:
        server.replay(path, **options)
        yield server


def recorded(
    path: Path, talk: Talk, *script: Any, mode: Literal["agent", "assistant"] = "agent", **options: Any
) -> Any:
    """What a conversation with a scripted server comes to; it is recorded."""
    app = {name: options.pop(name) for name in {"style", "tokens"} & options.keys()}
    with running_server(mode=mode, **app) as real:
        for turn in script:
            real.reply(*turn)
        with record(real.url, path, token=TOKEN, **options) as server:
            return talk(server)


def outcome(stream: Any) -> list[Any]:
    """The events of a stream, and the error that ended it: without the number of bytes, since what came with them counts, too."""
    events: list[Any] = []
    try:
        for event in stream:
            events.append(event)  # noqa: PERF402 - those before an error count
    except KaiError as error:
        events.append((type(error), re.sub(r"\d+ bytes", "bytes", str(error)), error.partial_text))
    return events


def with_approval(server: KaiServer) -> list[Any]:
    """A question, a run with two decisions, and what is kept."""
    with server.sync_client() as client:
        plain = outcome(client.send_message(CHAT, "Which tables?"))
        approve = {"create_bucket": True}
        run = client.run(CHAT, "Make them", approve=lambda each: approve.get(each.tool_name, Denial(reason="No 'no'")))
        return [plain, outcome(run), client.get_history().chats[0].title, client.get_chat(CHAT).messages[-1].parts]


SCRIPT = (
    (
        think("Hm\r\n"),
        call("list_tables", {"in": "c-crm\u2028"}, ['"""', "'''"]),
        say("One: žluťoučký \U0001f642 '"),
        usage(1, 2),
    ),
    (title("T"), ask("create_bucket", {"name": "a"}, {"id": "a"}), ask("drop_bucket", {"name": "b"}), say("Done.\n\n")),
)


@pytest.mark.parametrize("mode", ["agent", "assistant"])
def test_a_replay_is_the_recording(mode: Literal["agent", "assistant"], tmp_path: Path) -> None:
    """Events, decisions and what is kept are the same, on an open stream and over several"""
    path = tmp_path / "folder" / "talk.toml"
    said = recorded(path, with_approval, *SCRIPT, mode=mode)
    with replayed(path) as server:
        assert with_approval(server) == said
        assert [(each.tool, each.approved) for each in server.decisions] == [
            ("create_bucket", True),
            ("drop_bucket", False),
        ]


STYLES = [
    {},
    {"newline": "\r\n"},
    {"newline": "\r"},
    {"framing": "single-newline"},
    {"comments": True},
    {"bom": True},
    {"shapes": "legacy"},
    {"multiline": True},
    {"done": False, "last_blank_line": False},
    {"byte_by_byte": True},
    {"malformed_after": 3},
    {"error_after": 5},
    {"end_after": 4},
    {"drop_after": 4},
    {"half_after": 4},
]


@pytest.mark.parametrize("style", STYLES, ids=str)
def test_every_style_is_played_back(style: dict[str, Any], tmp_path: Path) -> None:
    """However a backend writes, and however it fails, the client has the same events and the same error"""

    def talk(server: KaiServer) -> list[Any]:
        with server.sync_client() as client:
            return outcome(client.send_message(CHAT, "Which tables?"))

    path = tmp_path / "talk.toml"
    said = recorded(path, talk, SCRIPT[0], style=WireStyle(**style))
    assert len(said) > 3
    with replayed(path) as server:
        assert talk(server) == said


@pytest.fixture(scope="module")
def one_answer(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[SSEEvent]]:
    """A recorded answer, and its events."""
    path = tmp_path_factory.mktemp("recordings") / "one.toml"

    def talk(server: KaiServer) -> list[SSEEvent]:
        with server.sync_client() as client:
            return list(client.send_message(CHAT, "Which tables?"))

    return path, recorded(path, talk, (*SCRIPT[0], source("https://a.test", "A")))


def test_a_replay_can_be_cut_anywhere(one_answer: tuple[Path, list[SSEEvent]]) -> None:
    """The faults of streams work on recordings: after any number of events, or within one, what came before is the same"""
    path, events = one_answer
    for count in range(len(events)):
        for fault in ("drop_after", "half_after"):
            cut: dict[str, Any] = {fault: count}
            with running_server(sample=True) as server, server.sync_client() as client:
                server.replay(path)
                server.next_stream(**cut)
                *before, (kind, _, _) = outcome(client.send_message(CHAT, "Which tables?"))
                assert (before, kind) == (events[:count], KaiStreamError)


def test_a_replay_in_single_bytes(one_answer: tuple[Path, list[SSEEvent]]) -> None:
    """Where the network cuts the bytes makes no difference"""
    path, events = one_answer
    with replayed(path) as server, server.sync_client() as client:
        server.next_stream(byte_by_byte=True)
        assert list(client.send_message(CHAT, "Which tables?")) == events


async def test_the_async_client_has_the_same(one_answer: tuple[Path, list[SSEEvent]]) -> None:
    """A recording that one client made is for the other one, too"""
    path, events = one_answer
    with replayed(path) as server:
        async with server.client() as client:
            assert [event async for event in client.send_message(CHAT, "Which tables?")] == events


async def test_the_async_client_records(tmp_path: Path) -> None:
    """Through the proxy goes whatever speaks HTTP"""
    path = tmp_path / "talk.toml"

    async def talk(server: KaiServer) -> list[SSEEvent]:
        async with server.client() as client:
            return [event async for event in client.run(CHAT, "Make them", approve=approve_all)]

    with running_server() as real:
        real.reply(*SCRIPT[1])
        with record(real.url, path) as server:
            said = await talk(server)
    with replayed(path) as server:
        assert await talk(server) == said


def test_the_command_records_and_replays(tmp_path: Path) -> None:
    """`kai`, another process, goes through the proxy by its environment alone"""
    path = tmp_path / "talk.toml"

    def talk(server: KaiServer) -> str:
        command = [
            sys.executable,
            "-m",
            "kai_client.cli",
            "chat",
            "-m",
            "Make them",
            "-o",
            "json",
            "--approve",
            "create_bucket",
        ]
        env = {**os.environ, **server.env, "HOME": str(tmp_path)}
        done = subprocess.run(command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        answer: str = json.loads(done.stdout)["text"]
        return answer

    said = recorded(path, talk, (ask("create_bucket", {"name": "a"}, 1), say("Done.")))
    assert said == "Done."
    with replayed(path) as server:
        assert talk(server) == said


def test_other_ids_do_as_well(tmp_path: Path) -> None:
    """Ids that a client makes up differ from run to run; answers have those of today"""

    def talk(server: KaiServer, chat_id: str) -> tuple[str, str]:
        with server.sync_client() as client:
            client.chat("Which tables?", chat_id=chat_id)
            return client.get_chat(chat_id).id, client.get_history().chats[0].id

    path = tmp_path / "talk.toml"
    recorded(path, partial(talk, chat_id=CHAT), SCRIPT[0])
    today = KaiClient.new_chat_id()
    with replayed(path) as server:
        assert talk(server, today) == (today, today)


def test_another_request_fails_with_what_differs(one_answer: tuple[Path, list[SSEEvent]]) -> None:
    """The client gets the difference, line by line; so does the end of the block"""
    path, _ = one_answer
    difference = r'-        "text": "Which tables\?",\n\+        "text": "Which buckets\?",'
    with pytest.raises(AssertionError, match=difference):  # noqa: PT012, SIM117
        with replayed(path) as server, server.sync_client() as client:
            with pytest.raises(KaiBadRequestError, match=difference) as caught:
                client.chat("Which buckets?")
            assert caught.value.code == "bad_request:replay"
            assert '"id"' not in str(caught.value)


def test_a_decision_that_differs_fails(tmp_path: Path) -> None:
    """Approved is not denied"""
    path = tmp_path / "talk.toml"

    def talk(server: KaiServer, answer: bool) -> None:
        with server.sync_client() as client:
            client.run(CHAT, "Make it", approve=lambda _: answer).get_final_text()

    recorded(path, partial(talk, answer=True), (ask("create_bucket", {"name": "a"}, 1), say("Done.")))
    with (
        pytest.raises(KaiBadRequestError, match=r'-  "approved": true,\n.  "approved": false'),
        replayed(path) as server,
    ):
        talk(server, answer=False)


def test_what_was_recorded_must_be_asked_for(one_answer: tuple[Path, list[SSEEvent]]) -> None:
    """A replay that goes on where the test ends is told"""
    path, _ = one_answer
    with (
        pytest.raises(AssertionError, match=r"one\.toml goes on, but nobody asked: POST /kai-agent/api/chat"),
        replayed(path),
    ):
        pass


def test_each_answer_is_given_once(one_answer: tuple[Path, list[SSEEvent]]) -> None:
    """The same question again is one that was not recorded"""
    path, events = one_answer
    with (  # noqa: PT012 - both the client and the block say it
        pytest.raises(AssertionError, match=r"Nothing is left of it. Asked for:\nPOST /api/chat"),
        replayed(path) as server,
        server.sync_client() as client,
    ):
        outcomes = [outcome(client.send_message(CHAT, "Which tables?")) for _ in range(2)]
        assert [len(each) for each in outcomes] == [len(events), 1]


def test_errors_are_recorded(tmp_path: Path) -> None:
    """A status, its body and `Retry-After` come back as they were"""

    def talk(server: KaiServer) -> list[Any]:
        with server.sync_client(retry=ONCE) as client, pytest.raises(KaiRateLimitError) as caught:
            client.chat("Hi", chat_id=CHAT)
        return [str(caught.value), caught.value.code, caught.value.retry_after]

    path = tmp_path / "talk.toml"
    said = recorded(path, talk, (fail("Enough for today", status=429, retry_after=90),))
    with replayed(path) as server:
        assert talk(server) == said


def test_discovery_that_fails_is_recorded(tmp_path: Path) -> None:
    """A bad token was one when it was recorded; the answer names no token"""

    def talk(server: KaiServer) -> str:
        with pytest.raises(KaiError) as caught:
            server.sync_client(retry=ONCE)
        return str(caught.value)

    path = tmp_path / "talk.toml"
    said = recorded(path, talk, tokens=["another-one"])
    with replayed(path) as server:
        assert talk(server) == said


def test_a_client_that_leaves(tmp_path: Path) -> None:
    """What the client did not wait for is not in the recording; a replay waits for it to leave again"""

    def talk(server: KaiServer) -> list[SSEEvent]:
        with server.sync_client() as client, client.send_message(CHAT, "Make them") as stream:
            return [next(stream) for _ in range(4)]

    path = tmp_path / "talk.toml"
    said = recorded(path, talk, (ask("create_bucket", {"name": "a"}, 1), say("Done.")))
    assert [each.ended for each in Cassette.load(path).entries] == ["left"]
    with replayed(path) as server:
        assert talk(server) == said


def test_without_discovery(tmp_path: Path) -> None:
    """A Kai that is known by its base URL is recorded by it"""

    def talk(server: KaiServer) -> str:
        with KaiClient(TOKEN, "https://connection.keboola.com", server.url) as client:
            return client.chat("Which tables?", chat_id=CHAT)[1]

    path = tmp_path / "talk.toml"
    said = recorded(path, talk, SCRIPT[0])
    with replayed(path) as server:
        assert talk(server) == said


def test_a_kai_that_cannot_be_reached(tmp_path: Path) -> None:
    """The proxy says so, and nothing of it is recorded"""
    path = tmp_path / "talk.toml"
    with running_server() as gone:
        url = gone.url
    with record(url, path) as server, pytest.raises(KaiError, match="The recording proxy cannot reach"):
        server.sync_client(retry=ONCE)
    assert list(Cassette.load(path).entries) == []


def test_a_test_that_fails_writes_nothing(tmp_path: Path) -> None:
    """Half a conversation is no recording"""
    path = tmp_path / "talk.toml"
    with running_server() as real, pytest.raises(ZeroDivisionError), record(real.url, path):
        raise ZeroDivisionError
    assert not path.exists()


def test_what_is_hidden(tmp_path: Path) -> None:
    """E-mail addresses, ids, and what a function of one's own takes out; a replay fits all the same"""

    def talk(server: KaiServer) -> str:
        with server.sync_client() as client:
            client.chat("I am ada@lovelace.org of ACME", chat_id=CHAT)
            return client.get_chat(CHAT).messages[0].text

    def redact(text: str) -> str:
        return text.replace("ACME", "a company")

    path = tmp_path / "talk.toml"
    hidden: list[Literal["emails", "ids"]] = ["emails", "ids"]
    recorded(path, talk, ("Hello ada@lovelace.org, so you are of AC", "ME"), hide=hidden, redact=redact)
    written = path.read_text()
    assert [word for word in ("ada@", "lovelace", "ACME", CHAT) if word in written] == []
    assert [
        word in written for word in ("somebody@example.com", "a company", "00000000-0000-4000-8000-000000000001")
    ] == [True] * 3
    with replayed(path, redact=redact) as server:
        assert talk(server) == "I am somebody@example.com of a company"


TEXTS = st.text(max_size=60) | st.text("'\"\\\r\n\t\x7f\x00é\u2028 ", max_size=12)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    TEXTS.filter(lambda text: text.isascii() or text.encode("utf-8", "ignore").decode() == text),
    TEXTS,
    st.binary(max_size=9),
)
def test_any_text_survives_the_file(tmp_path: Path, answer: str, request: str, content: bytes) -> None:
    """Quotes, control characters, line ends: what is read is what was written"""
    ends: list[Ending] = ["cut", "left"]
    entries = [
        Entry(request=request, sent=answer, answer=answer, ended=ends[0]),
        Entry(goes_on=1, answer_base64=base64.b64encode(content).decode(), ended=ends[1]),
    ]
    path = tmp_path / "any.toml"
    Cassette(entries, ["kai-agent", request], ["emails"]).save(path)
    found = Cassette.load(path)
    assert (found.entries, found.services, found.hidden) == (entries, ["kai-agent", request], ["emails"])


BAD: dict[str, str | bytes] = {
    "no TOML": "kai-recording = ",
    "no recording": "other = 1",
    "later version": "kai-recording = 2",
    "unknown key": "kai-recording = 1\n[[exchange]]\nanswr = 'x'",
    "nothing goes on": "kai-recording = 1\n[[exchange]]\ngoes-on = 1",
    "not UTF-8": b"\xff",
}


@pytest.mark.parametrize("kind", BAD)
def test_a_file_that_is_no_recording(kind: str, tmp_path: Path) -> None:
    """One error that names the file"""
    path = tmp_path / "bad.toml"
    content = BAD[kind]
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with running_server() as server, pytest.raises(KaiConfigError, match=r"bad\.toml is no recording") as caught:
        server.replay(path)
    assert caught.value.code == "config:recording"


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    """It says what to do"""
    with running_server() as server, pytest.raises(KaiConfigError, match=r"no recording .*none\.toml; record it"):
        server.replay(tmp_path / "none.toml")
