"""Where a message comes from: words, -m, stdin, and both together; and which chat it goes to."""

import subprocess
from typing import Any

import pytest
from cli_runs import Kai

from kai_client.server import ask, call, say
from kai_client.testing import KaiServer

CHATS = ("11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002")


def asked(server: KaiServer) -> list[str]:
    """The messages that reached the server, oldest first."""
    bodies: list[Any] = [request.body for request in server.requests if request.path.endswith("/api/chat")]
    parts = [part for body in bodies for part in body["message"]["parts"]]
    return [part["text"] for part in parts if part.get("type") == "text"]


@pytest.mark.parametrize(
    ("args", "stdin", "message"),
    [
        (("Which tables do I have?",), "", "Which tables do I have?"),
        (("how", "many", "rows?"), "", "how many rows?"),
        (("chat", "how", "many", "rows?"), "", "how many rows?"),
        (("chat", "-m", "how many rows?"), "never read", "how many rows?"),
        (("explain",), "SELECT 1\nFROM t\n", "explain\n\nSELECT 1\nFROM t"),
        (("explain",), "\n\n", "explain"),
        (("chat",), "  SELECT 1\n", "  SELECT 1"),
        (("chat", "--", "-m"), "", "-m"),
        (("explain", "-o", "text"), "x", "explain\n\nx"),
    ],
)
def test_what_is_asked(
    kai_at_server: Kai, kai_server: KaiServer, args: tuple[str, ...], stdin: str, message: str
) -> None:
    """Words are joined, stdin goes under them or is the message, and -m leaves stdin alone."""
    kai_server.kai.reply("Fine.")
    run = kai_at_server(*args, stdin=stdin)
    assert (run.code, run.out) == (0, "Fine.\n")
    assert asked(kai_server) == [message]


@pytest.mark.parametrize(
    ("args", "stdin", "line"),
    [
        (("chat", "-m", "a", "b"), "", "Error: Pass the message as words or with -m, not both"),
        (("chat", "-m", ""), "x", "Error: The message is empty: pass one with -m or on stdin"),
        (("chat", " "), " \n", "Error: The message is empty: pass one with -m or on stdin"),
        (("chat",), "", "Error: The message is empty: pass one with -m or on stdin"),
        (
            ("histroy",),
            "",
            "Error: No such command 'histroy'. Did you mean 'history'? To ask that: kai chat -m histroy",
        ),
        (("chat", "-c", "-r", "abcdef", "hi"), "", "Error: Choose one of --chat-id, --resume and --continue"),
        (("chat", "-r", "abc", "hi"), "", "Error: Invalid value for '-r' / '--resume': 'abc' is too short"),
    ],
)
def test_what_cannot_be_meant(
    kai_at_server: Kai, kai_server: KaiServer, args: tuple[str, ...], stdin: str, line: str
) -> None:
    """Two messages, none, a slip in a command's name: 2, and nothing is asked."""
    run = kai_at_server(*args, stdin=stdin)
    assert (run.code, run.out) == (2, "")
    assert run.err.splitlines()[-1].startswith(line)
    assert asked(kai_server) == []


def test_a_loop_over_a_file(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """`while read line; do kai chat -m "$line"; done < file` asks about each line: -m leaves the file to the loop."""
    for n in range(3):
        kai_server.kai.reply(f"Answer {n}.")
    command = " ".join(kai_at_server.command("chat", "-m"))
    (kai_at_server.folder / "file").write_text("one\ntwo\nthree\n")
    done = subprocess.run(
        ["bash", "-c", f'while read -r line; do {command} "$line"; done < file'],
        cwd=kai_at_server.folder,
        env=kai_at_server.environment,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"Answer 0.\nAnswer 1.\nAnswer 2.\n"
    assert asked(kai_server) == ["one", "two", "three"]


def test_a_file_under_a_question(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """`cat file | kai "explain"` through a real pipe."""
    kai_server.kai.reply("Fine.")
    command = kai_at_server.command("explain", "this")
    done = subprocess.run(
        command,
        input="SELECT 'žába'\n".encode(),
        cwd=kai_at_server.folder,
        env=kai_at_server.environment,
        capture_output=True,
        check=True,
    )
    assert done.stdout == b"Fine.\n"
    assert asked(kai_server) == ["explain this\n\nSELECT 'žába'"]


def test_continue_goes_on_with_the_newest_chat(kai_at_server: Kai) -> None:
    """`-c` takes the chat in which something was said last."""
    kai_at_server("My name is Bob")
    kai_at_server("My name is Ada")
    run = kai_at_server("chat", "-c", "What is my name?")
    assert run.out == "Your name is Ada.\n"


def test_continue_without_chats(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Where there is no chat to go on with: 1, and nothing is asked."""
    run = kai_at_server("chat", "-c", "-m", "Hi")
    assert (run.code, run.out) == (1, "")
    assert run.err == "Error: You have no chats yet: `kai chat` starts one\n"
    assert asked(kai_server) == []


def test_resume_takes_the_beginning_of_an_id(kai_at_server: Kai) -> None:
    """`-r` goes on with the chat whose id begins so; two of them are a usage error that lists both; none is a failure."""
    for chat_id, name in zip(CHATS, ("Ada", "Bob"), strict=True):
        assert kai_at_server("chat", "--chat-id", chat_id, "-m", f"My name is {name}").code == 0
    assert kai_at_server("chat", "-r", CHATS[0], "What is my name?").out == "Your name is Ada.\n"
    both = kai_at_server("chat", "-r", "1111", "-m", "What is my name?")
    assert (both.code, both.out) == (2, "")
    assert all(chat_id in both.err for chat_id in CHATS)
    none = kai_at_server("chat", "-r", "2222", "-m", "What is my name?")
    assert (none.code, none.out) == (1, "")


def test_approve_names_several_tools(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """`--approve` may come more than once; a tool that it does not name is denied without a terminal: 4."""
    flags = ("--approve", "run_job", "--approve", "drop_bucket")
    kai_server.kai.reply(ask("run_job", output="ok"), ask("drop_bucket", output="ok"), say("Over."))
    run = kai_at_server("chat", "-m", "Do it", *flags)
    assert (run.code, run.out) == (0, "Over.\n")
    kai_server.kai.reply(ask("run_job", output="ok"), say("Half."), ask("run_job2", output="ok"), say("Over."))
    run = kai_at_server("chat", "-m", "Do it", *flags)
    assert run.code == 4
    assert "run_job2 needs approval, and nobody can be asked here: denied." in run.err
    assert run.err.splitlines()[-1].startswith("Error: Not allowed to run run_job2;")


@pytest.mark.parametrize("service", ["kai-agent", "kai-assistant"])
def test_read_only_runs_what_only_reads(kai_at_server: Kai, kai_server: KaiServer, service: str) -> None:
    """With --read-only a reading tool runs, any other is denied even if it is approved, and the server is told."""
    ran: list[str] = []
    kai_server.kai.reply(
        call("get_tables", {}, lambda _: ran.append("get_tables")),
        ask("run_job", {}, lambda _: ran.append("run_job")),
        say("Over."),
    )
    run = kai_at_server.having("--service", service)("chat", "-m", "Do it", "--read-only", "--auto-approve")
    assert "run_job" not in ran
    assert run.code in {0, 4}
    body = next(request.body for request in kai_server.requests if request.path.endswith("/api/chat"))
    assert isinstance(body, dict)
    assert body["toolRestrictions"] == {"readOnlyMode": True}
