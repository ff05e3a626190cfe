"""`kai chat` at a terminal, as somebody uses it who talks to Kai for a while."""

import stat
import sys
from pathlib import Path

import pytest
from cli_runs import Kai

from kai_client.server import ask, call, fail, say
from kai_client.testing import KaiServer

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from cli_terminal import asked, at_terminal, chats
from pseudo_terminal import PseudoTerminal

UP = "\x1b[A"
ALT_ENTER = "\x1b\r"
CTRL_D = "\x04"


def leave(terminal: PseudoTerminal) -> None:
    """Ctrl-D at the prompt, which ends the command well."""
    terminal.ready()
    terminal.type(CTRL_D)
    assert terminal.wait() == 0


def test_messages_belong_to_one_chat(kai_at_server: Kai) -> None:
    """Kai remembers what was said before; empty lines ask nothing, Ctrl-D leaves."""
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("My name is Ada\r")
        terminal.expect("Nice to meet you, Ada!")
        for nothing in ("\r", "   \r"):
            terminal.ready()
            terminal.type(nothing)
        terminal.ready()
        terminal.type("What is my name?\r")
        terminal.expect("Your name is Ada.")
        leave(terminal)
    assert terminal.text.count("chat ") == 1


def test_empty_lines_ask_nothing(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Enter on an empty line, or on white space, reaches no server."""
    with at_terminal(kai_at_server, "chat") as terminal:
        for nothing in ("\r", " \t \r", f"{ALT_ENTER}\r"):
            terminal.ready()
            terminal.type(nothing)
        leave(terminal)
    assert asked(kai_server) == []


def test_what_was_sent_comes_back_by_arrow_up(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Arrow-up brings the last message, also in the next session; only the owner can read the file that keeps it."""
    for answer in ("One.", "Two.", "Three."):
        kai_server.kai.reply(answer)
    with at_terminal(kai_at_server, "chat") as terminal:
        for message in ("first", "second"):
            terminal.ready()
            terminal.type(f"{message}\r")
        terminal.expect("Two.")
        leave(terminal)
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type(f"{UP}{UP}")
        terminal.expect("> first")
        terminal.type("\r")
        terminal.expect("Three.")
        leave(terminal)
    assert asked(kai_server) == ["first", "second", "first"]
    kept = kai_at_server.folder / "kai-config" / "history"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_message_of_several_lines(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Alt-Enter begins a new line, Enter sends all of them."""
    kai_server.kai.reply("Fine.")
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type(f"one{ALT_ENTER}two{ALT_ENTER}  three\r")
        terminal.expect("Fine.")
        leave(terminal)
    assert asked(kai_server) == ["one\ntwo\n  three"]


def test_a_pasted_text_is_one_message(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Newlines in a pasted text send nothing: Enter does."""
    kai_server.kai.reply("Fine.")
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("Explain: ")
        terminal.paste("SELECT 1\r\nFROM t\rWHERE x\n")
        terminal.expect("WHERE x")
        assert asked(kai_server) == []
        terminal.type("please\r")
        terminal.expect("Fine.")
        leave(terminal)
    assert asked(kai_server) == ["Explain: SELECT 1\nFROM t\nWHERE x\nplease"]


def test_the_commands_are_listed(kai_at_server: Kai) -> None:
    """`/help` names every command, and a slash with Tab completes one."""
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("/help\r")
        for command in ("/help", "/new", "/retry", "/approve", "/save", "/exit"):
            terminal.expect(f"\n{command} ")
        terminal.ready()
        terminal.type("/ex\t")
        terminal.expect("> /exit")
        terminal.type("\r")
        assert terminal.wait() == 0


def test_an_unknown_command_is_not_sent(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A slip after the slash is not a message to Kai; the session goes on."""
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("/hlep me\r")
        terminal.expect("There is no command /hlep; /help lists them.")
        leave(terminal)
    assert asked(kai_server) == []


def test_new_begins_another_chat(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """After `/new` messages go to another chat, whose id is named; Kai does not remember the one before."""
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("My name is Ada\r")
        terminal.ready()
        terminal.type("/new\r")
        terminal.expect("\nchat ")
        terminal.ready()
        terminal.type("What is my name?\r")
        terminal.expect("You have not told me")
        leave(terminal)
    first, second = chats(kai_server)
    assert first != second
    assert [line for line in terminal.lines if line.startswith("chat ")] == [f"chat {first}", f"chat {second}"]


def test_retry_sends_the_last_message_again(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """`/retry` says so where nothing was sent yet; after an answer that failed it asks again, in the same chat."""
    kai_server.kai.reply(fail("It broke."))
    kai_server.kai.reply("Better now.")
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("/retry\r")
        terminal.expect("Nothing was sent yet.")
        terminal.ready()
        terminal.type("Hello there\r")
        terminal.expect("Error: [stream:error] It broke - the answer is not whole: ask again")
        terminal.ready()
        terminal.type("/retry\r")
        terminal.expect("Better now.")
        leave(terminal)
    assert asked(kai_server) == ["Hello there"] * 2
    assert len(set(chats(kai_server))) == 1


def test_approve_decides_for_the_session(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """`/approve NAME` lets that tool run unasked, `all` every tool, `none` no tool; alone it says what holds."""
    for _ in range(3):
        kai_server.kai.reply(ask("run_job", output="ok"), ask("drop_bucket", output="ok"), say("Over."))
    with at_terminal(kai_at_server, "chat") as terminal:
        for command, says in (
            ("/approve", "No tool runs without asking."),
            ("/approve run_job", "Run_job runs without asking."),
        ):
            terminal.ready()
            terminal.type(f"{command}\r")
            terminal.expect(says)
        terminal.ready()
        terminal.type("Do it\r")
        terminal.expect("Kai wants to run drop_bucket")
        terminal.expect("Allow it?")
        terminal.type("y\n")
        terminal.expect("Over.")
        terminal.ready()
        terminal.type("/approve all\r")
        terminal.expect("Every tool runs without asking.")
        terminal.ready()
        terminal.type("Do it\r")
        terminal.expect("Over.")
        terminal.ready()
        terminal.type("/approve none\r")
        terminal.expect("No tool runs without asking.")
        terminal.ready()
        terminal.type("Do it\r")
        terminal.expect("Kai wants to run run_job")
        terminal.expect("Allow it?")
        terminal.type("n\n")
        terminal.expect("Kai wants to run drop_bucket")
        terminal.expect("Allow it?")
        terminal.type("n\n")
        leave(terminal)
    assert terminal.text.count("Kai wants to run") == 3


def test_save_writes_the_conversation(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """`/save FILE` writes what was asked and told as Markdown, never over a file that is there."""
    kai_server.kai.reply("**Fine.**")
    kai_server.kai.reply(fail("It broke."))
    with at_terminal(kai_at_server, "chat") as terminal:
        for typed, says in (
            ("How are you?", "Fine."),
            ("And now?", "It broke"),
            ("/save", "Where to? /save FILE"),
            ("/save talk.md", "Saved to talk.md."),
            ("/save talk.md", "talk.md is there already; choose another name."),
            ("/save /dev/null/talk.md", "Not saved: "),
        ):
            terminal.ready()
            terminal.type(f"{typed}\r")
            terminal.expect(says)
        leave(terminal)
    assert (tmp_path / "talk.md").read_text() == "## You\n\nHow are you?\n\n## Kai\n\n**Fine.**\n"


@pytest.mark.parametrize("command", ["/exit", "/quit"])
def test_exit_leaves(kai_at_server: Kai, command: str) -> None:
    """`/exit` ends the command well."""
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type(f"{command}\r")
        assert terminal.wait() == 0


@pytest.mark.parametrize("before", [(), ("--debug",)])
def test_an_answer_that_fails_does_not_end_the_session(
    kai_at_server: Kai, kai_server: KaiServer, before: tuple[str, ...]
) -> None:
    """The failure is one line, with --debug its causes too, and the next message is sent."""
    kai_server.kai.reply(fail(status=500))
    kai_server.kai.reply("Better now.")
    with at_terminal(kai_at_server.having(*before), "chat") as terminal:
        terminal.ready()
        terminal.type("Hello\r")
        terminal.expect("Error: [internal:chat] Something went wrong - the service has a problem")
        terminal.ready()
        assert ("Traceback" in terminal.text) == bool(before)
        terminal.type("Hello again\r")
        terminal.expect("Better now.")
        leave(terminal)


def test_a_stream_that_breaks_does_not_end_the_session(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """What arrived stays on the screen, one line says that it is not whole, and the next message is sent."""
    kai_server.kai.reply("One two three four five six")
    kai_server.kai.reply("Better now.")
    kai_server.next_stream(end_after=5)
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("Count\r")
        terminal.expect("One two")
        terminal.expect("Error: [stream:incomplete] The answer broke off")
        terminal.ready()
        terminal.type("Again\r")
        terminal.expect("Better now.")
        leave(terminal)


def test_a_yes_is_for_one_call(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A backend that uses the id of a call again does not get the old yes for the new call."""
    for bucket in ("mine", "yours"):
        kai_server.kai.reply(ask("drop_bucket", {"name": bucket}, output="ok", id="call_1"), say("Dropped."))
    with at_terminal(kai_at_server, "chat") as terminal:
        for bucket in ("mine", "yours"):
            terminal.ready()
            terminal.type("Drop it\r")
            terminal.expect(f'"name": "{bucket}"')
            terminal.expect("Allow it?")
            terminal.type("y\n")
            terminal.expect("Dropped.")
        leave(terminal)


def test_the_line_of_a_tool_call_ends_with_its_time(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A call is one line, with the seconds that it took; a failed one says why; both come before the text after them."""
    kai_server.kai.reply(call("get_jobs", {"limit": 5}, output=[]), call("get_flows", error="no such flow"), "None.")
    with at_terminal(kai_at_server, "chat", "-m", "Jobs?") as terminal:
        terminal.expect('tool get_jobs {"limit": 5} ...')
        terminal.expect("done in 0.")
        terminal.expect("failed in 0.")
        terminal.expect(" s: no such flow\nNone.\n")
        assert terminal.wait() == 0
