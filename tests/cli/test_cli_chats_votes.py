"""`kai vote`, `kai get-votes` and `kai delete-chat`."""

import json
import sys

import pytest
from cli_canned import Canned
from cli_chat_samples import CHAT_ID, HOSTILE, chat, message, text
from cli_runs import Kai

from kai_client.testing import KaiServer

OTHER_ID = "77ab2a3b-0000-4000-8000-000000000001"


def ask_for(kai: Kai, *ids: str) -> None:
    """Start these chats."""
    for chat_id in ids:
        assert kai("chat", "-m", f"Hello from {chat_id[:4]}", "--chat-id", chat_id).code == 0


def answers_of(kai: Kai, chat_id: str) -> list[str]:
    """The ids of the chat's answers."""
    stored = json.loads(kai("get-chat", chat_id, "--json-output").out)
    return [said["id"] for said in stored["messages"] if said["role"] == "assistant"]


@pytest.mark.parametrize("service", ["kai-agent", "kai-assistant"])
def test_a_vote_on_the_newest_answer(kai_at_server: Kai, service: str) -> None:
    """Without a message it is the newest answer of the chat, however the chat is named; a second vote replaces the first."""
    kai = kai_at_server.having("--service", service)
    ask_for(kai, CHAT_ID, CHAT_ID)
    _, newest = answers_of(kai, CHAT_ID)
    for words, choice in (((CHAT_ID,), "up"), ((CHAT_ID[:4],), "down"), (("--last",), "up"), (("-",), "down")):
        run = kai("vote", *words, choice)
        assert (run.code, run.err) == (0, "")
        assert run.out == f"voted {choice} on message {newest} of chat {CHAT_ID}\n"
        votes = json.loads(kai("get-votes", CHAT_ID, "--json-output").out)
        assert [(vote["messageId"], vote["type"]) for vote in votes] == [(newest, choice)]


def test_a_vote_on_a_message(kai_at_server: Kai) -> None:
    """A message that is named gets the vote, and nothing is fetched for it: `kai vote CHAT MESSAGE up`, as ever."""
    ask_for(kai_at_server, CHAT_ID, CHAT_ID)
    first, _ = answers_of(kai_at_server, CHAT_ID)
    assert kai_at_server("vote", CHAT_ID, first, "up").code == 0
    assert kai_at_server("get-votes", CHAT_ID).out.split("\t")[:2] == [first, "up"]


@pytest.mark.parametrize(
    ("words", "line"),
    [
        ((), "Error: Say [CHAT] [MESSAGE] up|down"),
        (("up",), "Error: Which chat? Name one, or pass --last"),
        ((CHAT_ID,), f"Error: '{CHAT_ID}' is neither up nor down"),
        ((CHAT_ID, "sideways"), "Error: 'sideways' is neither up nor down"),
        ((CHAT_ID, "up", "--last"), "Error: Name a chat or pass --last, not both"),
        ((CHAT_ID, "..", "up"), "Error: the message id must be a usable id, not '..'"),
        ((CHAT_ID, "a", "b", "up"), "Error: Say [CHAT] [MESSAGE] up|down"),
    ],
)
def test_what_is_no_vote(kai: Kai, words: tuple[str, ...], line: str) -> None:
    """Usage: 2, before anybody is asked."""
    run = kai("vote", *words)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[-1] == line


def test_a_chat_without_answers(kai: Kai, backend: Canned) -> None:
    """There is nothing to vote on: 1."""
    backend.has_chat(chat(message("user", text("Hi"))))
    run = backend.kai(kai)("vote", CHAT_ID, "up")
    assert (run.code, run.out, run.err) == (1, "", "Error: There is no answer in this chat yet\n")


def test_no_votes(kai_at_server: Kai) -> None:
    """An empty list is empty on stdout, and said on stderr; as JSON it is a list."""
    ask_for(kai_at_server, CHAT_ID)
    run = kai_at_server("get-votes", CHAT_ID)
    assert (run.code, run.out, run.err) == (0, "", "There are no votes in this chat.\n")
    assert json.loads(kai_at_server("get-votes", CHAT_ID, "--json-output").out) == []


def test_a_hostile_vote(kai: Kai, backend: Canned) -> None:
    """An id is a cell, whatever is in it."""
    backend.answers["GET /api/vote"] = (200, [{"chatId": CHAT_ID, "messageId": HOSTILE, "type": "up"}])
    (line,) = backend.kai(kai)("get-votes", CHAT_ID).out.splitlines()
    assert len(line.split("\t")) == 3
    assert line.replace("\t", "").isprintable()


@pytest.mark.parametrize("service", ["kai-agent", "kai-assistant"])
def test_yes_deletes(kai_at_server: Kai, kai_server: KaiServer, service: str) -> None:
    """With -y nobody is asked; several chats, by id or its beginning, each with its line."""
    kai = kai_at_server.having("--service", service)
    ask_for(kai, CHAT_ID, OTHER_ID)
    run = kai("delete-chat", "-y", CHAT_ID, OTHER_ID[:4], CHAT_ID)
    assert (run.code, run.err) == (0, "")
    assert run.out == f"deleted {CHAT_ID}\ndeleted {OTHER_ID}\n"
    assert kai("history").out == ""


def test_nobody_can_be_asked(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Without a terminal and without -y nothing is deleted: 2, and what to do."""
    run = kai_at_server("delete-chat", CHAT_ID)
    assert (run.code, run.out) == (2, "")
    assert run.err == "Error: Nobody can be asked here: pass -y to delete without asking\n"
    assert kai_server.requests == []


def test_one_of_several_is_not_there(kai_at_server: Kai) -> None:
    """The others are deleted nevertheless; each that was not has its line, and the exit status is 1."""
    ask_for(kai_at_server, CHAT_ID)
    missing = "00000000-0000-4000-8000-000000000000"
    run = kai_at_server("delete-chat", "-y", missing, "no-such-beginning", CHAT_ID)
    assert (run.code, run.out) == (1, f"deleted {CHAT_ID}\n")
    no_beginning, forbidden, last = run.err.splitlines()
    assert no_beginning.startswith("no-such-beginning: No chat of yours")
    assert forbidden.startswith(f"{missing}: [forbidden:chat]")
    assert last == "Error: 2 of 3 chats could not be deleted"


def test_one_that_is_not_there(kai_at_server: Kai) -> None:
    """Alone, its own error decides about the exit status."""
    run = kai_at_server("delete-chat", "-y", CHAT_ID)
    assert (run.code, run.out) == (3, "")
    assert run.err.startswith("Error: [forbidden:chat]")


def test_trouble_that_is_not_the_chats(kai: Kai, backend: Canned) -> None:
    """What would fail for every chat is said once, and ends it: a wrong token is 3."""
    backend.answers["DELETE /api/chat"] = (401, {"code": "unauthorized:chat", "message": "No."})
    run = backend.kai(kai)("delete-chat", "-y", CHAT_ID, OTHER_ID)
    assert (run.code, run.out) == (3, "")
    assert run.err.startswith("Error: [unauthorized:chat] No")
    assert len(backend.asked) == 1


@pytest.mark.parametrize("words", [(), ("-y",), ("-y", "-"), ("-y", "8d1")])
def test_what_names_no_chat(kai: Kai, words: tuple[str, ...]) -> None:
    """Nothing is deleted that was not named: 2."""
    assert kai("delete-chat", *words).code == 2


@pytest.mark.skipif(sys.platform == "win32", reason="needs pseudo-terminals")
def test_the_question(kai_at_server: Kai) -> None:
    """It shows the title, made harmless; only a yes deletes, and every chat is its own question."""
    from pseudo_terminal import PseudoTerminal  # noqa: PLC0415 - not on Windows

    kai_at_server("chat", "-m", "Hello\x1b[31m you", "--chat-id", CHAT_ID)
    ask_for(kai_at_server, OTHER_ID)
    command = kai_at_server.command("delete-chat", CHAT_ID[:4], OTHER_ID)
    with PseudoTerminal(command, folder=kai_at_server.folder, env=kai_at_server.environment) as terminal:
        terminal.expect(f"Delete Hello you ({CHAT_ID})? [y/N]")
        terminal.type("\n")
        terminal.expect(f"{CHAT_ID} stays.")
        terminal.expect(f"Delete Hello from 77ab ({OTHER_ID})? [y/N]")
        terminal.type("y\n")
        terminal.expect(f"deleted {OTHER_ID}")
        assert terminal.wait() == 0
    assert [line.split("\t")[0] for line in kai_at_server("history").out.splitlines()] == [CHAT_ID]
