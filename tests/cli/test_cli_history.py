"""`kai history`, `kai ping` and `kai info`: what is there."""

import json
import re
import sys
from datetime import date, datetime

import pytest
from cli_canned import Canned, time_zone
from cli_chat_samples import HOSTILE, chat, message, text
from cli_runs import Kai

from kai_client.cli.drawing import friendly
from kai_client.testing import KaiServer


def ask_for(kai: Kai, *questions: str) -> list[str]:
    """Start a chat with each question; their ids, newest first."""
    return [kai("chat", "-m", question).chat_id for question in questions][::-1]


def test_history_is_a_line_per_chat(kai_at_server: Kai) -> None:
    """Newest first: id, time and title between tabs, for other programs to read."""
    ids = ask_for(kai_at_server, "Hello", "Which tables do I have?")
    run = kai_at_server("history")
    rows = [line.split("\t") for line in run.out.splitlines()]
    assert (run.code, run.err) == (0, "")
    assert [row[0] for row in rows] == ids
    assert [row[2] for row in rows] == ["Which tables do I have?", "Hello"]
    assert all(datetime.strptime(row[1], "%Y-%m-%d %H:%M").astimezone() for row in rows)


def test_history_has_a_limit(kai_at_server: Kai) -> None:
    """-n limits it, and stderr tells when there are more."""
    ids = ask_for(kai_at_server, "One", "Two", "Three")
    run = kai_at_server("history", "-n", "2")
    assert [line.split("\t")[0] for line in run.out.splitlines()] == ids[:2]
    assert run.err == "There are more: kai history -n 4\n"
    assert kai_at_server("history", "-n", "3").err == ""


def test_history_as_json(kai_at_server: Kai) -> None:
    """--json-output is one object as the API has it."""
    ids = ask_for(kai_at_server, "One", "Two")
    run = kai_at_server("history", "--json-output", "-n", "1")
    answer = json.loads(run.out)
    assert run.err == ""
    assert answer["hasMore"] is True
    assert [chat["id"] for chat in answer["chats"]] == ids[:1]
    assert answer["chats"][0]["createdAt"]


def test_a_title_stays_in_its_column(kai_at_server: Kai) -> None:
    """Tabs and escape sequences in a title change nothing about the line."""
    ask_for(kai_at_server, "Hello\tyou\x1b[31m\nthere")
    (line,) = kai_at_server("history").out.splitlines()
    assert line.split("\t")[2:] == ["Hello you there"]


def titles(out: str) -> list[str]:
    """The titles of the lines."""
    return [line.split("\t")[2] for line in out.splitlines()]


def many_pages(backend: Canned, pages: int, *, of: int = 2) -> None:
    """A history of so many pages, whatever the limit; the titles count down to 1."""
    chats = [{"id": f"chat-{number}", "title": f"Title {number}"} for number in range(pages * of, 0, -1)]
    for number in range(pages):
        page = {"chats": chats[of * number : of * (number + 1)], "hasMore": number < pages - 1}
        after = f"?starting_after={chats[of * number - 1]['id']}" if number else ""
        backend.answers[f"GET /api/history{after}"] = (200, page)


def test_all_of_the_history(kai: Kai, backend: Canned) -> None:
    """--all lists every chat, over as many pages as there are, and then there are no more."""
    many_pages(backend, 8)
    run = backend.kai(kai)("history", "--all")
    assert (run.code, run.err) == (0, "")
    assert titles(run.out) == [f"Title {number}" for number in range(16, 0, -1)]
    answer = json.loads(backend.kai(kai)("history", "--all", "--json-output").out)
    assert (len(answer["chats"]), answer["hasMore"]) == (16, False)


def test_a_short_list_is_one_request(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The newest chats, and whether there are more, are asked for at once."""
    ask_for(kai_at_server, "One", "Two", "Three")
    kai_at_server("history", "-n", "2")
    (asked,) = [request for request in kai_server.requests if request.path == "/api/history"]
    assert asked.query == {"limit": "3"}


def test_chats_are_listed_as_they_come(kai: Kai, backend: Canned) -> None:
    """What is on the first page is printed before the second one has arrived."""
    many_pages(backend, 2)
    with backend.holding("GET /api/history?starting_after=chat-3"):
        process = backend.kai(kai).start("history", "--all")
        assert process.stdout is not None
        first = [process.stdout.readline().decode().split("\t")[2] for _ in range(2)]
    rest, _ = process.communicate()
    assert first == ["Title 4\n", "Title 3\n"]
    assert titles(rest.decode()) == ["Title 2", "Title 1"]


def test_a_reader_of_one_line(kai: Kai, backend: Canned) -> None:
    """`| head -1` ends the walk quietly: 141, and most pages are never fetched."""
    many_pages(backend, 50)
    with backend.holding("GET /api/history?starting_after=chat-99"):
        process = backend.kai(kai).start("history", "--all")
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
    assert process.wait() == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    assert len(backend.asked) < 10


def test_search_in_titles(kai_at_server: Kai) -> None:
    """--search is about titles, and case does not matter; nothing found is said on stderr."""
    ask_for(kai_at_server, "Hello Ada", "Which tables do I have?", "hello ADA again")
    assert titles(kai_at_server("history", "--search", "aDa").out) == ["hello ADA again", "Hello Ada"]
    run = kai_at_server("history", "--search", "orders")
    assert (run.code, run.out, run.err) == (0, "", "No chat matches.\n")


def test_the_limit_of_a_search(kai: Kai, backend: Canned) -> None:
    """-n counts matches, over all pages; one more tells whether there are more."""
    many_pages(backend, 8)
    run = backend.kai(kai)("history", "--search", "title 1", "-n", "3")
    assert titles(run.out) == ["Title 16", "Title 15", "Title 14"]
    assert run.err == "There are more: the same with -n 6\n"
    run = backend.kai(kai)("history", "--search", "title 1", "-n", "8")
    assert titles(run.out) == [f"Title {number}" for number in (16, 15, 14, 13, 12, 11, 10, 1)]
    assert run.err == ""


@pytest.mark.parametrize("service", ["kai-agent", "kai-assistant"])
def test_search_in_messages(kai_at_server: Kai, service: str) -> None:
    """With --content it is about what was said, too, by either side; newest first as ever."""
    kai = kai_at_server.having("--service", service)
    ask_for(kai, "Which tables do I have?", "Hello", "Tell me about in.c-crm.customers", "My name is Ada")
    assert titles(kai("history", "--search", "C-CRM").out) == ["Tell me about in.c-crm.customers"]
    run = kai("history", "--search", "C-CRM", "--content")
    assert (run.code, run.err) == (0, "")
    assert titles(run.out) == ["Tell me about in.c-crm.customers", "Which tables do I have?"]


def test_reading_chats_is_bounded(kai: Kai, backend: Canned) -> None:
    """--content reads a few chats at a time, never all at once, and a chat that is gone meanwhile is no match."""
    many_pages(backend, 1, of=30)
    said = chat(message("assistant", text("The NEEDLE")), id="chat-1")
    backend.answers["GET /api/chat/chat-1"] = (200, said)
    run = backend.kai(kai)("history", "--search", "needle", "--content")
    assert (run.code, titles(run.out), run.err) == (0, ["Title 1"], "")
    assert 1 < backend.most_at_once <= 6


def test_reading_chats_ends_early(kai: Kai, backend: Canned) -> None:
    """When there are enough matches, and one more, no further chats are read."""
    many_pages(backend, 1, of=30)
    for number in (29, 27):
        said = chat(message("assistant", text("The NEEDLE")), id=f"chat-{number}")
        backend.answers[f"GET /api/chat/chat-{number}"] = (200, said)
    run = backend.kai(kai)("history", "--search", "needle", "--content", "-n", "1", "--json-output")
    answer = json.loads(run.out)
    assert ([found["id"] for found in answer["chats"]], answer["hasMore"]) == (["chat-29"], True)
    assert 4 <= len([asked for asked in backend.asked if "/api/chat/" in asked]) <= 12


def test_reading_that_fails(kai: Kai, backend: Canned) -> None:
    """Any other failure is not taken for "no match"."""
    many_pages(backend, 1)
    backend.answers["GET /api/chat/chat-1"] = (400, {"code": "bad_request:chat", "message": "No."})
    run = backend.kai(kai)("history", "--search", "needle", "--content")
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("Error: [bad_request:chat] No")


def test_content_needs_a_search(kai: Kai) -> None:
    """Usage: 2."""
    run = kai("history", "--content")
    assert (run.code, run.err.splitlines()[-1]) == (2, "Error: --content is about --search")


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
@pytest.mark.parametrize("columns", [40, 80])
def test_the_table(kai: Kai, backend: Canned, columns: int) -> None:
    """On a terminal each chat has one line, however long its title is; a narrow one has the beginnings of ids."""
    from pseudo_terminal import PseudoTerminal  # noqa: PLC0415 - not on Windows

    for number, title in enumerate(["Short", "Long " * 40, HOSTILE, "[red]日本語日本語日本語日本語日本語日本語[/red]"]):
        backend.has_chat(chat(id=f"0000000{number}-0000-4000-8000-000000000000", title=title))
    env = {**kai.environment, "TZ": "UTC"}
    with PseudoTerminal(backend.kai(kai).command("history"), folder=kai.folder, env=env, columns=columns) as terminal:
        assert terminal.wait() == 0
        rows = terminal.text.splitlines()
        written = re.sub(r"\x1b\[[0-9;]*m", "", terminal.raw)
    assert len(rows) == 5
    assert rows[0].split() == ["Id", "Changed", "Title"]
    shown = "00000003" if columns == 40 else "00000003-0000-4000-8000-000000000000"
    assert rows[1].startswith(f"{shown}  ")
    assert rows[4].endswith("  Short")
    assert rows[3].endswith("…")
    assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", written)


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-03-04T09:05:00Z", "today 09:05"),
        ("2026-03-03T23:59:00Z", "yesterday 23:59"),
        ("2026-02-01T09:05:00Z", "1 Feb 09:05"),
        ("2025-02-01T09:05:00Z", "2025-02-01"),
        ("2026-03-05T09:05:00Z", "2026-03-05"),
        ("2026-03-04T09:05:00", "today 09:05"),
        (None, ""),
    ],
)
def test_when_a_chat_changed(moment: str | None, words: str) -> None:
    """In the words of the day, with at most 15 characters; a day in the future is a clock that is wrong, and has its date."""
    with time_zone("UTC"):
        given = None if moment is None else datetime.fromisoformat(moment)
        assert friendly(given, date(2026, 3, 4)) == words


def test_ping_prints_the_clock(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The backend's time on stdout, how long it took on stderr."""
    run = kai_at_server("ping")
    assert run.code == 0
    assert datetime.fromisoformat(run.out.strip())
    assert run.err.startswith(f"{kai_server.url} answered in ")


@pytest.mark.parametrize("service", ["kai-agent", "kai-assistant"])
def test_info_prints_what_is_there(kai_at_server: Kai, service: str) -> None:
    """The application, the service that discovery found, and what it is connected to."""
    run = kai_at_server("--service", service, "info")
    assert (run.code, run.err) == (0, "")
    assert f"Service: {service}\n" in run.out
    assert "MCP:     sample-project: connected\n" in run.out
