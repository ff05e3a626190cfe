"""`kai get-chat`, and how a chat is named."""

import asyncio
import json
import re
import sys

import pytest
from cli_canned import Canned, assert_golden
from cli_chat_samples import CHAT_ID, EVERYTHING, HOSTILE_CHAT, chat, message, text, tool
from cli_runs import TOKEN, Kai

from kai_client import KaiClient, ToolCallEvent
from kai_client.models import ChatDetail
from kai_client.server import ask
from kai_client.testing import KaiServer

pytestmark = pytest.mark.usefixtures("utc")

FORBIDDEN = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *"\u202e\u202c\u2066\u2069"} - {"\n"}
"""Characters that give orders to a terminal, or reorder what is on it."""


def at_terminal(kai: Kai, *args: str, columns: int = 80) -> tuple[str, str]:
    """What the command leaves on a terminal, and what it wrote there without the colours; it must succeed."""
    if sys.platform == "win32":
        pytest.skip("needs pseudo-terminals")
    from pseudo_terminal import PseudoTerminal  # noqa: PLC0415 - not on Windows

    env = {**kai.environment, "TZ": "UTC"}
    with PseudoTerminal(kai.command(*args), folder=kai.folder, env=env, columns=columns) as terminal:
        assert terminal.wait() == 0
        return terminal.text, re.sub(r"\x1b\[[0-9;]*m", "", terminal.raw).replace("\r\n", "\n")


def test_a_chat_is_text_where_nobody_looks(kai: Kai, backend: Canned) -> None:
    """Away from a terminal: who said what, a line per tool call with its outcome, Markdown as it was written, sources last."""
    backend.has_chat(EVERYTHING)
    run = backend.kai(kai)("get-chat", CHAT_ID)
    assert (run.code, run.err) == (0, "")
    assert_golden("chat_plain.txt", run.out)


def test_reasoning_is_shown_on_demand(kai: Kai, backend: Canned) -> None:
    """What the model thought aloud comes with --reasoning only."""
    backend.has_chat(EVERYTHING)
    assert "I should" not in backend.kai(kai)("get-chat", CHAT_ID).out
    assert (
        "(thinks)\nI should **count** them.\nThen sort.\n" in backend.kai(kai)("get-chat", CHAT_ID, "--reasoning").out
    )


def test_a_chat_at_a_terminal(kai: Kai, backend: Canned) -> None:
    """On a terminal Markdown is rendered, and a tool call has one line even if its arguments are long."""
    backend.has_chat(EVERYTHING)
    screen, _ = at_terminal(backend.kai(kai), "get-chat", CHAT_ID, "--reasoning")
    assert_golden("chat_terminal.txt", screen)


def test_plain_is_the_same_everywhere(kai: Kai, backend: Canned) -> None:
    """--plain on a terminal is what a pipe gets."""
    backend.has_chat(EVERYTHING)
    _, written = at_terminal(backend.kai(kai), "get-chat", CHAT_ID, "--plain")
    assert written == backend.kai(kai)("get-chat", CHAT_ID).out


@pytest.mark.parametrize("columns", [20, 40])
def test_a_narrow_terminal(kai: Kai, backend: Canned, columns: int) -> None:
    """Nothing is wider than the terminal, and the outcome of a tool call has the last word."""
    calls = [tool("query_data", "output-available", input={"sql": "SELECT " * 30}, output=1), text("Some words " * 9)]
    backend.has_chat(chat(message("assistant", *calls)))
    _, written = at_terminal(backend.kai(kai), "get-chat", CHAT_ID, columns=columns)
    assert max(map(len, written.splitlines())) <= columns
    (line,) = [line for line in written.splitlines() if line.startswith("tool query_data")]
    assert line.endswith(" done")


@pytest.mark.parametrize("options", [(), ("--reasoning",), ("--json-output",)])
def test_hostile_texts_are_only_text(kai: Kai, backend: Canned, options: tuple[str, ...]) -> None:
    """Whatever part of a chat has escape sequences or reordering characters in it, none of them is printed."""
    backend.has_chat(HOSTILE_CHAT)
    run = backend.kai(kai)("get-chat", CHAT_ID, *options)
    assert run.code == 0
    assert "wiped" in run.out
    assert FORBIDDEN.isdisjoint(run.out)


def test_hostile_texts_at_a_terminal(kai: Kai, backend: Canned) -> None:
    """The same where Markdown is rendered, which could bring such characters in by their names."""
    backend.has_chat(HOSTILE_CHAT)
    _, written = at_terminal(backend.kai(kai), "get-chat", CHAT_ID, "--reasoning")
    assert "wiped" in written
    assert "entity" in written
    assert FORBIDDEN.isdisjoint(written)


@pytest.mark.parametrize(
    "options",
    [("get-chat",), ("get-chat", "--json-output"), ("export",), ("export", "-o", "html"), ("export", "-o", "json")],
)
def test_the_token_is_never_shown(kai: Kai, backend: Canned, options: tuple[str, ...]) -> None:
    """A token that got into a chat stays there."""
    said = [
        text(f"It is {TOKEN}!"),
        {"type": "reasoning", "text": TOKEN},
        tool(TOKEN, "output-available", input=TOKEN, output={TOKEN: 1}),
    ]
    backend.has_chat(chat(message("assistant", *said), title=TOKEN))
    run = backend.kai(kai)(*options, CHAT_ID)
    assert run.code == 0
    assert "***" in run.out
    assert TOKEN not in run.out


def test_a_chat_as_json(kai: Kai, backend: Canned) -> None:
    """--json-output is the chat key for key, in ASCII, and reads as a `ChatDetail`."""
    sent = chat(message("user", text("Žluťoučký 🐎"), x={"y": None}), title=None, folder="work")
    backend.has_chat(sent)
    run = backend.kai(kai)("get-chat", CHAT_ID, "--json-output")
    assert run.out.isascii()
    assert json.loads(run.out) == sent
    assert ChatDetail.model_validate_json(run.out).messages[0].text == "Žluťoučký 🐎"


@pytest.mark.parametrize("service", ["kai-agent", "kai-assistant"])
async def test_a_call_that_waits(kai_at_server: Kai, kai_server: KaiServer, service: str) -> None:
    """A call that nobody has decided about is seen to wait, whichever way the backend stores it."""
    kai_server.kai.reply(ask("run_job", {"id": 7}, output="ok"))
    async with (
        KaiClient.from_storage_api(TOKEN, kai_server.url, service=service) as client,
        client.send_message(CHAT_ID, "Run") as stream,
    ):
        async for event in stream:
            if isinstance(event, ToolCallEvent) and event.state == "input-available":
                break
    run = await asyncio.to_thread(kai_at_server.process, "--service", service, "get-chat", CHAT_ID)
    assert run.out.endswith('Kai:\n[tool run_job {"id": 7} - waits for approval]\n')


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("create_bucket", "waits for approval"), ("get_tables", "no result yet"), ("new_tool", "waits for approval")],
)
def test_a_call_that_waits_at_kai_agent(kai: Kai, backend: Canned, name: str, outcome: str) -> None:
    """kai-agent does not store that a call waits: a tool that cannot run by itself and has no result does."""
    backend.has_chat(chat(message("assistant", tool(name, "input-available", input={}))))
    listed = [
        {"name": "create_bucket", "description": "", "readOnly": False},
        {"name": "get_tables", "description": "", "readOnly": True},
    ]
    backend.answers["GET /api/settings/tools"] = (200, {"tools": listed})
    assert backend.kai(kai)("get-chat", CHAT_ID).out.endswith(f"[tool {name} {{}} - {outcome}]\n")


def test_a_call_of_long_ago_does_not_wait(kai: Kai, backend: Canned) -> None:
    """Only the newest message can be waiting; about others the backend is not even asked."""
    backend.has_chat(
        chat(message("assistant", tool("t", "input-available", input={})), message("user", text("Hi"), number=2))
    )
    assert "[tool t {} - no result yet]" in backend.kai(kai)("get-chat", CHAT_ID).out
    assert backend.asked == [f"GET /api/chat/{CHAT_ID}"]


@pytest.mark.parametrize("color", ["never", "always"])
def test_a_reader_that_leaves(kai: Kai, backend: Canned, color: str) -> None:
    """A broken pipe: 141, and not a word about it, drawn or not."""
    backend.has_chat(chat(message("assistant", text("Word " * 50_000))))
    with backend.kai(kai, "--color", color).start("get-chat", CHAT_ID) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read(5)
        process.stdout.close()
        assert process.wait() == 141
        assert process.stderr.read() == b""


def listed(*ids: str) -> tuple[int, object]:
    """A history."""
    return 200, {
        "chats": [{"id": each, "title": f"Title of {each[:4]}", "createdAt": "2026-03-04T12:00:00Z"} for each in ids],
        "hasMore": False,
    }


def test_the_beginning_of_an_id(kai: Kai, backend: Canned) -> None:
    """Four characters are enough where they are one chat's alone; case does not matter."""
    backend.has_chat(EVERYTHING)
    whole = backend.kai(kai)("get-chat", CHAT_ID).out
    assert whole
    assert backend.kai(kai)("get-chat", CHAT_ID[:4].upper()).out == whole


def test_a_whole_id_is_not_looked_up(kai: Kai, backend: Canned) -> None:
    """A UUID is taken as it is, so that chats of others that are public can be read."""
    backend.has_chat(EVERYTHING)
    backend.kai(kai)("get-chat", CHAT_ID)
    assert backend.asked == [f"GET /api/chat/{CHAT_ID}"]


def test_a_whole_id_that_is_no_uuid(kai: Kai, backend: Canned) -> None:
    """An id is found even where it is the beginning of others."""
    backend.has_chat(chat(message("user", text("Longer")), id="chat-12"))
    backend.has_chat(chat(message("user", text("Whole")), id="chat-1"))
    assert "Whole" in backend.kai(kai)("get-chat", "chat-1").out


def test_an_ambiguous_beginning(kai: Kai, backend: Canned) -> None:
    """More than one chat: 2, and the candidates with their titles."""
    backend.answers["GET /api/history"] = listed("8d1f-one", "8d1f-two", "77ab-three")
    run = backend.kai(kai)("get-chat", "8d1f")
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines() == [
        "8d1f-one  2026-03-04 12:00  Title of 8d1f",
        "8d1f-two  2026-03-04 12:00  Title of 8d1f",
        "Error: More than one chat has an id that begins with '8d1f': give more of it",
    ]


def test_many_candidates(kai: Kai, backend: Canned) -> None:
    """Not all of a hundred are listed, and the search ends as soon as there are too many: no second page is fetched."""
    _, page = listed(*(f"8d1f-{number}" for number in range(100)))
    assert isinstance(page, dict)
    backend.answers["GET /api/history"] = (200, {**page, "hasMore": True})
    run = backend.kai(kai)("get-chat", "8d1f")
    assert run.err.splitlines()[4:6] == ["8d1f-4  2026-03-04 12:00  Title of 8d1f", "..."]
    assert len(backend.asked) == 1


@pytest.mark.parametrize("command", [("get-chat",), ("export",), ("get-votes",), ("delete-chat", "-y")])
def test_no_such_beginning(kai: Kai, backend: Canned, command: tuple[str, ...]) -> None:
    """No chat: 1, and where to look."""
    backend.answers["GET /api/history"] = listed("77ab-three")
    run = backend.kai(kai)(*command, "8d1f")
    assert (run.code, run.out) == (1, "")
    assert run.err == "Error: No chat of yours has an id that begins with '8d1f': `kai history` lists them\n"


@pytest.mark.parametrize("words", [("--last",), ("-",), ("-", "--last")])
def test_the_newest_chat(kai_at_server: Kai, words: tuple[str, ...]) -> None:
    """--last or - is the newest chat, without asking for more than that."""
    kai_at_server("chat", "-m", "Hello")
    kai_at_server("chat", "-m", "Which tables do I have?")
    assert kai_at_server("get-chat", *words).out.startswith("Which tables do I have?\n")


def test_no_newest_chat(kai_at_server: Kai) -> None:
    """Who has no chats has no newest one: 1."""
    run = kai_at_server("get-chat", "--last")
    assert (run.code, run.err) == (1, "Error: You have no chats yet: `kai chat` starts one\n")


@pytest.mark.parametrize(
    ("args", "line"),
    [
        ((), "Error: Which chat? Name one, or pass --last"),
        (("8d1f", "--last"), "Error: Name a chat or pass --last, not both"),
        (("8d1",), "Error: '8d1' is too short: at least 4 characters of an id are needed"),
        (("..",), "Error: the chat id must be a usable id, not '..'"),
        (("8d1f\n",), "Error: the chat id must not contain control characters or lone surrogates"),
    ],
)
@pytest.mark.parametrize("command", ["get-chat", "export", "get-votes"])
def test_usage(kai: Kai, command: str, args: tuple[str, ...], line: str) -> None:
    """What names no chat: 2, before anybody is asked."""
    run = kai(command, *args)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[-1] == line


def test_a_chat_that_is_not_there(kai_at_server: Kai) -> None:
    """404: 1, with what to do."""
    run = kai_at_server("get-chat", CHAT_ID)
    assert run.code == 1
    assert run.err == "Error: [not_found:chat] There is no such chat - check the id: `kai history` lists your chats\n"
