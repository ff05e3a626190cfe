"""`kai history`, `kai ping` and `kai info`: what is there."""

import json
from datetime import datetime

import pytest
from cli_runs import Kai

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
