"""Questions at a terminal: what may be answered, and what the answer does."""

import shlex
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Kai

from kai_client.server import Execution, ask, call, say
from kai_client.testing import KaiServer

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from cli_terminal import at_terminal, decisions

BUCKET = "Create a bucket called test"


def editor(kai: Kai, script: str) -> Kai:
    """The command, with an editor that runs Python: `text` becomes what the file says."""
    program = kai.folder / "editor.py"
    program.write_text(
        "import pathlib, sys\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "text = path.read_text()\n"
        f"{script}\n"
        "path.write_text(text)\n"
    )
    return kai.having(EDITOR=f"{shlex.quote(sys.executable)} {shlex.quote(str(program))}", VISUAL="")


@pytest.mark.parametrize("service", ["kai-agent", "kai-assistant"])
@pytest.mark.parametrize("typed", ["y", "yes", " Y "])
def test_yes_lets_the_tool_run(kai_at_server: Kai, service: str, typed: str) -> None:
    """The question shows the call's own name and arguments; a yes lets it run, on either backend."""
    with at_terminal(kai_at_server.having("--service", service), "chat", "-m", BUCKET) as terminal:
        terminal.expect('Kai wants to run create_bucket\n  {\n    "name": "test"\n  }\nAllow it? [y/N/r/')
        terminal.type(f"{typed}\n")
        terminal.expect("tool create_bucket done")
        terminal.expect("I created the bucket in.c-test.")
        assert terminal.wait() == 0


@pytest.mark.parametrize("typed", ["\n", "n\n", "No\n", "\x04"])
def test_a_no_refuses_the_call(kai_at_server: Kai, typed: str) -> None:
    """No, Enter and the end of the input refuse the call, and the exit status is 4."""
    with at_terminal(kai_at_server, "chat", "-m", BUCKET) as terminal:
        terminal.expect("Allow it?")
        terminal.type(typed)
        terminal.expect("I did not create the bucket test.")
        terminal.expect("Error: Not allowed to run create_bucket\n")
        assert terminal.wait() == 4


@pytest.mark.parametrize("typed", ["maybe", "yesterday", "?", "yn", "да"])
def test_other_words_decide_nothing(kai_at_server: Kai, kai_server: KaiServer, typed: str) -> None:
    """What is no answer explains the answers, and the question comes again."""
    kai_server.kai.reply(ask("run_job", output="ok"), say("It ran."))
    with at_terminal(kai_at_server, "chat", "-m", "Run") as terminal:
        terminal.expect("Allow it?")
        terminal.type(f"{typed}\n")
        terminal.expect(
            "y - yes, run it\nn - no\nr - no, and tell Kai why\ne - change the arguments first\na - yes, and"
        )
        terminal.expect("Allow it?")
        assert decisions(kai_server) == []
        terminal.type("y\n")
        terminal.expect("It ran.")
        assert terminal.wait() == 0


def test_a_reason_reaches_the_model(kai_at_server: Kai) -> None:
    """A no with a reason: the model is told, and answers to it."""
    with at_terminal(kai_at_server, "chat", "-m", BUCKET) as terminal:
        terminal.expect("Allow it?")
        terminal.type("r\n")
        terminal.expect("Why not?")
        terminal.type("Use another name, please\n")
        terminal.expect("I did not create the bucket test. You said: Use another name, please")
        assert terminal.wait() == 4


@pytest.mark.parametrize("typed", ["\n", "  \n", "\x04"])
def test_a_reason_can_be_left_out(kai_at_server: Kai, kai_server: KaiServer, typed: str) -> None:
    """Who has changed their mind about giving a reason has still said no."""
    kai_server.kai.reply(ask("run_job", output="ok"), say("It ran."))
    with at_terminal(kai_at_server, "chat", "-m", "Run") as terminal:
        terminal.expect("Allow it?")
        terminal.type("r\n")
        terminal.expect("Why not?")
        terminal.type(typed)
        assert terminal.wait() == 4
    (sent,) = decisions(kai_server)
    assert sent["approved"] is False
    assert not sent.get("reason")


def test_a_reason_that_is_no_text(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A slip on the keyboard that is no UTF-8 is replaced: the no arrives."""
    kai_server.kai.reply(ask("run_job", output="ok"), say("It ran."))
    with at_terminal(kai_at_server, "chat", "-m", "Run") as terminal:
        terminal.expect("Allow it?")
        terminal.type("r\n")
        terminal.expect("Why not?")
        terminal.type("no \udcff good\n")
        assert terminal.wait() == 4
    (sent,) = decisions(kai_server)
    assert (sent["approved"], sent["reason"]) == (False, "no \ufffd good")


def test_each_call_is_its_own_question(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Calls that wait together are asked about one by one, each with its own arguments; each answer is its own."""
    kai_server.kai.reply([ask("run_job", {"id": n}, output="ok") for n in (1, 2)] + [say("Done.")])
    with at_terminal(kai_at_server, "chat", "-m", "Run") as terminal:
        for n, typed in ((1, "y\n"), (2, "n\n")):
            terminal.expect(f'Kai wants to run run_job\n  {{\n    "id": {n}\n  }}\nAllow it?')
            terminal.type(typed)
        terminal.expect("Error: Not allowed to run run_job\n")
        assert terminal.wait() == 4
    assert [each["approved"] for each in decisions(kai_server)] == [True, False]


def test_always_is_for_one_tool_and_one_session(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """After `a` that tool is not asked about again in the session; another one is."""
    for n in (1, 2):
        kai_server.kai.reply(
            ask("run_job", {"id": n}, output="ok"), ask("drop_bucket", {"id": n}, output="ok"), f"{n} over."
        )
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("Do it\r")
        terminal.expect("Kai wants to run run_job")
        terminal.expect("Allow it?")
        terminal.type("a\n")
        terminal.expect("Kai wants to run drop_bucket")
        terminal.expect("Allow it?")
        terminal.type("y\n")
        terminal.expect("1 over.")
        terminal.ready()
        terminal.type("Do it\r")
        terminal.expect("Kai wants to run drop_bucket")
        terminal.expect("Allow it?")
        terminal.type("y\n")
        terminal.expect("2 over.")
        terminal.ready()
        terminal.type("/approve\r")
        terminal.expect("Run_job runs without asking.")
        terminal.ready()
        terminal.type("\x04")
        assert terminal.wait() == 0
    assert terminal.text.count("Kai wants to run run_job") == 1
    assert [each["approved"] for each in decisions(kai_server)] == [True] * 4


def test_edited_arguments_are_what_runs(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """`e` opens the editor with the arguments; the question shows the edited ones, and after the yes they run."""
    ran: list[object] = []

    def run_job(execution: Execution) -> str:
        ran.append(execution.input)
        return "ok"

    kai_server.kai.reply(ask("run_job", {"id": 1, "name": "žába"}, run_job), say("It ran."))
    with at_terminal(editor(kai_at_server, "text = text.replace('1', '2')"), "chat", "-m", "Run") as terminal:
        terminal.expect("Allow it? [y/N/r/e/a/?]")
        terminal.type("e\n")
        terminal.expect('Kai wants to run run_job\n  {\n    "id": 2,\n    "name": "žába"\n  }\nAllow it? [y/N/r/e/a/?]')
        assert decisions(kai_server) == []
        terminal.type("y\n")
        terminal.expect("It ran.")
        assert terminal.wait() == 0
    assert ran == [{"id": 2, "name": "žába"}]
    (sent,) = decisions(kai_server)
    assert sent["updatedInput"] == {"id": 2, "name": "žába"}


def test_an_edit_can_be_edited(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A second `e` goes on from the first, and a no after it runs nothing."""
    kai_server.kai.reply(ask("run_job", {"id": 1}, output="ok"), say("It ran."))
    there = editor(kai_at_server, "text = text.replace('1', '12').replace('2', '3', 1) if '3' not in text else '{}'")
    with at_terminal(there, "chat", "-m", "Run") as terminal:
        terminal.expect("Allow it?")
        terminal.type("e\n")
        terminal.expect('"id": 13')
        terminal.expect("Allow it?")
        terminal.type("e\n")
        terminal.expect("  {}\nAllow it?")
        terminal.type("n\n")
        assert terminal.wait() == 4
    (sent,) = decisions(kai_server)
    assert (sent["approved"], "updatedInput" in sent) == (False, False)


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("text = '{\"id\": '", "Not changed: Expecting value"),
        ("text = '[1, 2]'", "Not changed: the arguments of a tool are a JSON object"),
        ("text = 'null'", "Not changed: the arguments of a tool are a JSON object"),
        ("text = ''", "Not changed: "),
        ("text = '{\"id\": NaN}'", "Not changed: "),
        ("sys.exit(3)", "Not changed: "),
        ("sys.exit(0)", None),
        ("", None),
    ],
)
def test_an_edit_that_cannot_be_used(kai_at_server: Kai, kai_server: KaiServer, script: str, says: str | None) -> None:
    """What is no JSON object, an editor that fails, and a file left alone change nothing: the question comes again."""
    kai_server.kai.reply(ask("run_job", {"id": 1}, output="ok"), say("It ran."))
    with at_terminal(editor(kai_at_server, script), "chat", "-m", "Run") as terminal:
        terminal.expect("Allow it?")
        terminal.type("e\n")
        if says is not None:
            terminal.expect(says)
        terminal.expect("Allow it?")
        terminal.type("y\n")
        terminal.expect("It ran.")
        assert terminal.wait() == 0
    (sent,) = decisions(kai_server)
    assert (sent["approved"], sent.get("updatedInput")) == (True, None)


def test_kai_assistant_takes_no_edit(kai: Kai, kai_server: KaiServer) -> None:
    """Where the backend cannot run other arguments `e` is not offered, and typing it decides nothing."""
    kai_server.kai.reply(ask("run_job", {"id": 1}, output="ok"), say("It ran."))
    there = kai.at(kai_server.url, "--service", "kai-assistant")
    with at_terminal(editor(there, "text = '{}'"), "chat", "-m", "Run") as terminal:
        terminal.expect("Allow it? [y/N/r/a/?]")
        terminal.type("e\n")
        terminal.expect("r - no, and tell Kai why\na - yes")
        terminal.expect("Allow it? [y/N/r/a/?]")
        terminal.type("y\n")
        terminal.expect("It ran.")
        assert terminal.wait() == 0


def test_an_edit_that_the_backend_cannot_run(kai: Kai, kai_server: KaiServer) -> None:
    """A kai-assistant known by its address alone may be found out too late: the call runs as the question showed it, or not."""
    ran: list[object] = []
    kai_server.kai.reply(ask("run_job", {"id": 1}, lambda each: ran.append(each.input)), say("It ran."))
    there = editor(kai.at(kai_server.url, "--base-url", f"{kai_server.url}/kai-assistant"), "text = '{}'")
    with at_terminal(there, "chat", "-m", "Run") as terminal:
        terminal.expect("Allow it?")
        terminal.type("e\n")
        terminal.expect("\nAllow it?")
        terminal.type("y\n")
        code = terminal.wait()
    edited = "  {}\nAllow it?" in terminal.text
    assert ran == ([] if edited else [{"id": 1}])
    assert code == (1 if edited else 0)


def test_an_interrupt_at_the_question(kai_at_server: Kai) -> None:
    """Ctrl-C at the question of a single message ends the command: nothing was approved."""
    with at_terminal(kai_at_server, "chat", "-m", BUCKET) as terminal:
        terminal.expect("Allow it?")
        terminal.type("\x03")
        terminal.expect("Error: Interrupted\n")
        assert terminal.wait() == 130


def test_the_question_is_not_in_the_answer(kai_at_server: Kai, tmp_path: Path) -> None:
    """With stdout in a file the question still comes to the terminal, and the file has the answer alone."""
    with (
        (tmp_path / "answer").open("wb") as file,
        at_terminal(kai_at_server, "chat", "-m", BUCKET, stdout=file) as terminal,
    ):
        terminal.expect("Allow it?")
        terminal.type("?\n")
        terminal.expect("Allow it?")
        terminal.type("yes\n")
        assert terminal.wait() == 0
    assert (tmp_path / "answer").read_text() == "I created the bucket `in.c-test`.\n"


@pytest.mark.parametrize("output", ["json", "ndjson"])
def test_data_and_a_question(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path, output: str) -> None:
    """With data for stdout the question comes to the terminal, too."""
    kai_server.kai.reply(ask("run_job", {"id": 1}, output="ok"), say("It ran."))
    with (
        (tmp_path / "answer").open("wb") as file,
        at_terminal(kai_at_server, "chat", "-m", "Run", "-o", output, stdout=file) as terminal,
    ):
        terminal.expect("Allow it?")
        terminal.type("y\n")
        assert terminal.wait() == 0
    assert "Allow it?" not in (tmp_path / "answer").read_text()


def test_what_was_said_is_seen_before_the_question(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The text before a question is on the screen when it is asked, and each begins its own line."""
    kai_server.kai.reply(say("Let me run that."), ask("run_job", {}, output="ok"), say("It ran."))
    with at_terminal(kai_at_server, "chat", "-m", "Run") as terminal:
        terminal.expect("Let me run that.\ntool run_job {} ...\n\nKai wants to run run_job\n  {}\nAllow it?")
        terminal.type("y\n")
        terminal.expect("tool run_job done")
        terminal.expect("\n\nIt ran.\n")
        assert terminal.wait() == 0


def test_a_tool_that_did_not_wait(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Who was asked about a tool that ran anyway is told so."""
    kai_server.kai.reply(lambda _: [call("new_tool", output="ok"), say("It ran.")])
    with at_terminal(kai_at_server, "chat", "-m", "Run") as terminal:
        terminal.expect("Allow it?")
        terminal.type("n\n")
        terminal.expect("new_tool did not wait for an answer.\n")
        assert terminal.wait() == 0


@pytest.mark.parametrize("flags", [("--read-only",), ("--read-only", "--approve", "run_job", "--auto-approve")])
def test_read_only_asks_nobody(kai_at_server: Kai, kai_server: KaiServer, flags: tuple[str, ...]) -> None:
    """With --read-only a call that would have to be asked about is refused without a question, at a terminal, too."""
    kai_server.kai.reply(lambda _: [ask("run_job", {"id": 1}, output="ok"), say("Over.")])
    with at_terminal(kai_at_server, "chat", "-m", "Run", *flags) as terminal:
        assert terminal.wait() == 4
    assert "Allow it?" not in terminal.text
    bodies: list[Any] = [each.body for each in kai_server.requests if each.path.endswith("/api/chat")]
    assert bodies[0]["toolRestrictions"] == {"readOnlyMode": True}
    assert not any(each["approved"] for each in decisions(kai_server))
