"""`kai` at a real terminal: questions are asked there, and answered there."""

import sys
from pathlib import Path

import pytest
from cli_runs import Kai

from kai_client.server import ask, call, fail, say
from kai_client.testing import KaiServer

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from pseudo_terminal import PseudoTerminal

BUCKET = "Create a bucket called test"


def session(kai: Kai, *args: str) -> PseudoTerminal:
    """The command at a terminal of its own."""
    return PseudoTerminal(kai.command(*args), folder=kai.folder, env=kai.environment)


@pytest.mark.parametrize("service", ["kai-agent", "kai-assistant"])
def test_yes_lets_the_tool_run(kai: Kai, service: str) -> None:
    """The question shows the call's own name and arguments; a yes lets it run, on either backend."""
    with session(kai, "--local", "--service", service, "chat", "-m", BUCKET) as terminal:
        terminal.expect('Kai wants to run create_bucket {"name": "test"}\nAllow it? [y/N] ')
        terminal.type("y\n")
        terminal.expect("tool create_bucket done\nI created the bucket `in.c-test`.\n")
        assert terminal.wait() == 0


@pytest.mark.parametrize("typed", ["\n", "n\n", "maybe\n", "\x04"])
def test_anything_else_is_a_no(kai: Kai, typed: str) -> None:
    """Only yes is a yes: Enter, other words and the end of the input refuse the call, and the exit status is 4."""
    with session(kai, "--local", "chat", "-m", BUCKET) as terminal:
        terminal.expect("[y/N] ")
        terminal.type(typed)
        terminal.expect("I did not create the bucket `test`.\n")
        terminal.expect("Error: Not allowed to run create_bucket\n")
        assert terminal.wait() == 4


def test_an_interrupt_at_the_question(kai: Kai) -> None:
    """Ctrl-C at the question ends the command: nothing was approved."""
    with session(kai, "--local", "chat", "-m", BUCKET) as terminal:
        terminal.expect("[y/N] ")
        terminal.type("\x03")
        terminal.expect("\nError: Interrupted\n")
        assert terminal.wait() == 130


def test_each_call_is_its_own_question(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Calls that wait together are asked about one by one, each with its own arguments; each answer is its own."""
    kai_server.kai.reply([ask("run_job", {"id": n}, output="ok") for n in (1, 2)] + [say("Done.")])
    with session(kai_at_server, "chat", "-m", "Run") as terminal:
        terminal.expect('Kai wants to run run_job {"id": 1}\nAllow it? [y/N] ')
        terminal.type("y\n")
        terminal.expect('Kai wants to run run_job {"id": 2}\nAllow it? [y/N] ')
        terminal.type("n\n")
        terminal.expect("Error: Not allowed to run run_job\n")
        assert terminal.wait() == 4
    sent = [request.body for request in kai_server.requests if request.path.endswith("/approval")]
    assert [body["approved"] for body in sent if isinstance(body, dict)] == [True, False]


def test_long_arguments_are_shown_whole(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Nobody decides about half of a query, and nothing in it is hidden."""
    query = "SELECT " + ", ".join(f"column_{n}" for n in range(100)) + "\u202e; DROP"
    kai_server.kai.reply(ask("query", {"sql": query}, output=1), say("Done."))
    with session(kai_at_server, "chat", "-m", "Query") as terminal:
        terminal.expect('Kai wants to run query {\n  "sql": "' + query.replace("\u202e", "\\u202e") + '"\n}\nAllow it?')
        terminal.type("y\n")
        assert terminal.wait() == 0


def test_the_question_is_not_in_the_answer(kai: Kai, tmp_path: Path) -> None:
    """With stdout in a file the question still comes to the terminal, and the file has the answer alone."""
    command = kai.command("--local", "chat", "-m", BUCKET)
    with (
        (tmp_path / "answer").open("wb") as file,
        PseudoTerminal(command, folder=kai.folder, env=kai.environment, stdout=file) as terminal,
    ):
        terminal.expect("[y/N] ")
        terminal.type("yes\n")
        assert terminal.wait() == 0
    assert (tmp_path / "answer").read_text() == "I created the bucket `in.c-test`.\n"


def test_the_text_comes_as_it_is_said(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """What was said before a question is on the screen when it is asked, and each begins its own line."""
    kai_server.kai.reply(say("Let me run that."), ask("run_job", {}, output="ok"), say("It ran."))
    with session(kai_at_server, "chat", "-m", "Run") as terminal:
        terminal.expect("Let me run that.\ntool run_job {} ... \nKai wants to run run_job {}\nAllow it? [y/N] ")
        terminal.type("y\n")
        terminal.expect("tool run_job done\n\nIt ran.\n")
        assert terminal.wait() == 0


def test_a_tool_that_did_not_wait(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Who was asked about a tool that ran anyway is told so."""
    kai_server.kai.reply(lambda _: [call("new_tool", output="ok"), say("It ran.")])
    with session(kai_at_server, "chat", "-m", "Run") as terminal:
        terminal.expect("[y/N] ")
        terminal.type("n\n")
        terminal.expect("new_tool did not wait for an answer.\n")
        assert terminal.wait() == 0


def test_a_conversation_keeps_its_chat(kai: Kai) -> None:
    """Without -m the terminal is a conversation in one chat; empty lines ask nothing, Ctrl-D ends it."""
    with session(kai, "--local", "chat") as terminal:
        terminal.expect("> ")
        terminal.type("My name is Ada\n")
        terminal.expect("Nice to meet you, Ada!\n> ")
        terminal.type("\n")
        terminal.expect("> ")
        terminal.type("What is my name?\n")
        terminal.expect("Your name is Ada.\n> ")
        terminal.type("\x04")
        assert terminal.wait() == 0


def test_a_yes_is_for_one_call(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A backend that uses the id of a call again does not get the old yes for the new call."""
    for bucket in ("mine", "yours"):
        kai_server.kai.reply(ask("drop_bucket", {"name": bucket}, output="ok", id="call_1"), say("Dropped."))
    with session(kai_at_server, "chat") as terminal:
        for bucket in ("mine", "yours"):
            terminal.expect("> ")
            terminal.type("Drop it\n")
            terminal.expect(f'Kai wants to run drop_bucket {{"name": "{bucket}"}}\nAllow it? [y/N] ')
            terminal.type("y\n")
            terminal.expect("Dropped.\n")
        terminal.type("\x04")
        assert terminal.wait() == 0


@pytest.mark.parametrize("before", [(), ("--debug",)])
def test_an_answer_that_fails_does_not_end_the_conversation(
    kai_at_server: Kai, kai_server: KaiServer, before: tuple[str, ...]
) -> None:
    """The failure is one line, with --debug its causes too, and the next message is sent."""
    kai_server.kai.reply(fail(status=500))
    kai_server.kai.reply("Better now.")
    with session(kai_at_server.having(*before), "chat") as terminal:
        terminal.expect("> ")
        terminal.type("Hello\n")
        terminal.expect("Error: [internal:chat] Something went wrong")
        terminal.expect("> ")
        assert ("Traceback" in terminal.screen) == bool(before)
        terminal.type("Hello again\n")
        terminal.expect("Better now.\n> ")
        terminal.type("\x03")
        assert terminal.wait() == 130


def test_history_is_a_table(kai_at_server: Kai) -> None:
    """On a terminal the chats are a table, their titles taken literally."""
    kai_at_server("chat", "-m", "[bold]Hello[/bold]")
    with session(kai_at_server, "history") as terminal:
        terminal.expect("Title")
        terminal.expect("[bold]Hello[/bold]")
        assert terminal.wait() == 0
