"""`kai chat` at a terminal: Ctrl-C wherever somebody may press it, windows that change their size, plainer terminals."""

import sys
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from cli_runs import Kai

from kai_client.server import ask, pause, say
from kai_client.server.script import Item
from kai_client.testing import KaiServer

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from cli_terminal import Gate, asked, at_terminal, decisions

CTRL_C = "\x03"
CTRL_D = "\x04"


@pytest.fixture
def gate() -> Iterator[Gate]:
    """Opened at the end, whatever happens: the server must not wait for ever."""
    gate = Gate()
    yield gate
    gate.open()


def test_ctrl_c_in_an_answer_stops_it(kai_at_server: Kai, kai_server: KaiServer, gate: Gate) -> None:
    """What arrived stays, "Stopped." follows, and the next message is answered."""

    def begin(_: object) -> Generator[Item]:
        yield say("The first paragraph.\n\nThe second one begins")
        yield from gate.closed()
        yield say("never seen")

    kai_server.kai.reply(begin)
    kai_server.kai.reply("Next answer.")
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("Tell me\r")
        terminal.sees("writing")
        terminal.type(CTRL_C)
        terminal.expect("\nStopped.\n")
        terminal.ready()
        terminal.type("Go on\r")
        terminal.expect("Next answer.")
        terminal.ready()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
    assert "The first paragraph.\n\nThe second one begins\nStopped.\n" in terminal.text
    assert "never seen" not in terminal.text
    assert "Traceback" not in terminal.text


def test_ctrl_c_while_the_server_is_silent(kai_at_server: Kai, kai_server: KaiServer, gate: Gate) -> None:
    """An answer that has not begun is stopped, too; nothing of the spinner stays."""

    def silent(_: object) -> Generator[Item]:
        yield from gate.closed()

    kai_server.kai.reply(silent)
    kai_server.kai.reply("Next answer.")
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("Tell me\r")
        terminal.sees("thinking")
        terminal.type(CTRL_C)
        terminal.expect("Stopped.")
        terminal.ready()
        terminal.type("Go on\r")
        terminal.expect("Next answer.")
        terminal.ready()
        terminal.type("/exit\r")
        assert terminal.wait() == 0
    assert "thinking" not in terminal.text


def test_ctrl_c_twice_at_the_prompt_leaves(kai_at_server: Kai) -> None:
    """The first says how to leave, the second leaves with 130."""
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type(CTRL_C)
        terminal.expect("Ctrl-C again, or Ctrl-D, to leave.")
        terminal.ready()
        terminal.type(CTRL_C)
        terminal.expect("Error: Interrupted")
        assert terminal.wait() == 130


def test_ctrl_c_is_forgotten_after_a_message(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Only two Ctrl-C in a row leave: a message between them makes the next the first again."""
    kai_server.kai.reply("Hello!")
    with at_terminal(kai_at_server, "chat") as terminal:
        for _ in range(2):
            terminal.ready()
            terminal.type(CTRL_C)
            terminal.expect("Ctrl-C again")
            terminal.ready()
            terminal.type("/help\r")
        terminal.ready()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0


def test_ctrl_c_throws_away_what_was_typed(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """With text typed it only clears the line, however often: nothing is sent, nobody leaves."""
    kai_server.kai.reply("Hello!")
    with at_terminal(kai_at_server, "chat") as terminal:
        for _ in range(3):
            terminal.ready()
            terminal.type("a secret that I would regret")
            terminal.expect("> a secret that I would regret")
            terminal.type(CTRL_C)
        terminal.ready()
        terminal.type("Hi\r")
        terminal.expect("Hello!")
        terminal.ready()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
    assert asked(kai_server) == ["Hi"]
    assert "Ctrl-C again" not in terminal.text


def test_ctrl_c_at_a_question_denies_the_call(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The call does not run, and the session goes on."""
    ran: list[object] = []
    kai_server.kai.reply(ask("drop_bucket", {"name": "all"}, output=lambda each: ran.append(each.input)), say("Gone."))
    kai_server.kai.reply("Next answer.")
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("Drop it\r")
        terminal.expect("Allow it?")
        terminal.type(CTRL_C)
        terminal.expect("Stopped.")
        terminal.ready()
        terminal.type("Go on\r")
        terminal.expect("Next answer.")
        terminal.ready()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
    assert ran == []
    assert not any(each["approved"] for each in decisions(kai_server))
    assert "Gone." not in terminal.text


RULE = "---\n\n"


def test_a_window_that_changes_its_size_between_answers(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """The next answer is drawn as wide as the window is then; the prompt is there once."""
    for _ in range(3):
        kai_server.kai.reply(f"{RULE}Said.")
    with at_terminal(kai_at_server, "chat") as terminal:
        for columns in (80, 100, 60):
            terminal.ready()
            terminal.resize(columns)
            terminal.type("Draw\r")
            terminal.expect(f"\n{'-' * columns}\n\nSaid.")
        terminal.ready()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
    assert terminal.text.count("Said.") == 3
    assert terminal.text.count("> Draw") == 3


def test_a_window_that_changes_its_size_within_an_answer(kai_at_server: Kai, kai_server: KaiServer, gate: Gate) -> None:
    """Later blocks have the new width, earlier ones stay, and nothing is drawn twice."""

    def half(_: object) -> Generator[Item]:
        yield say(f"First.\n\n{RULE}Second begins\nand goes on for a while, so that it is\nlong enough\n\n")
        yield from gate.closed()
        yield say(f"Third.\n\n{RULE}Fourth.")

    kai_server.kai.reply(half)
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("Draw\r")
        terminal.expect(f"\n{'-' * 80}\n")
        terminal.resize(50)
        gate.open()
        terminal.expect(f"Third.\n\n{'-' * 50}\n\nFourth.")
        terminal.ready()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
    for word in ("First.", "Second begins", "Third.", "Fourth.", "> Draw"):
        assert terminal.text.count(word) == 1


def test_a_window_that_changes_its_size_at_the_prompt(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """What was typed is still there, once, and is sent."""
    kai_server.kai.reply("Hello!")
    with at_terminal(kai_at_server, "chat") as terminal:
        terminal.ready()
        terminal.type("I am typing")
        terminal.expect("> I am typing")
        for columns in (40, 120, 80):
            terminal.resize(columns)
        terminal.type(" on\r")
        terminal.expect("Hello!")
        terminal.ready()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
    assert asked(kai_server) == ["I am typing on"]


@pytest.mark.parametrize("term", ["dumb", "unknown", ""])
def test_a_plain_terminal_gets_plain_lines(kai_at_server: Kai, kai_server: KaiServer, term: str) -> None:
    """Without a terminal that can move its cursor the conversation works by lines, and no escape sequence asks for more."""
    kai_server.kai.reply("Hello!")
    with at_terminal(kai_at_server, "chat", term=term) as terminal:
        terminal.ready()
        terminal.type("Hi there\n")
        terminal.expect("Hello!")
        terminal.ready()
        terminal.type(CTRL_C)
        terminal.expect("Ctrl-C again")
        terminal.ready()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
    assert asked(kai_server) == ["Hi there"]
    assert "\x1b[6n" not in terminal.raw
    assert "\x1b[?" not in terminal.raw


@pytest.mark.parametrize(("term", "turns"), [("xterm", True), ("dumb", False)])
def test_only_what_can_be_written_over_turns(kai_at_server: Kai, kai_server: KaiServer, term: str, turns: bool) -> None:
    """A terminal that cannot move its cursor shows no spinner, only the answer."""
    kai_server.kai.reply([pause(1), say("Hello!")])
    with at_terminal(kai_at_server, "chat", "-m", "Hi", term=term) as terminal:
        terminal.expect("Hello!")
        assert terminal.wait() == 0
    assert ("thinking" in terminal.raw) is turns
    assert ("\x1b[K" in terminal.raw) is turns


def test_an_answer_in_a_file(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """With stdout in a file a conversation is led on the terminal, and the file has the answers alone, as they were written."""
    kai_server.kai.reply("# One\n\n**fat**")
    kai_server.kai.reply(ask("run_job", output="ok"), say("*Two*"))
    with (
        (tmp_path / "answers").open("wb") as file,
        at_terminal(kai_at_server, "chat", stdout=file) as terminal,
    ):
        terminal.ready()
        terminal.type("First\r")
        terminal.ready()
        terminal.type("Second\r")
        terminal.expect("Kai wants to run run_job")
        terminal.expect("Allow it?")
        terminal.type("y\n")
        terminal.ready()
        terminal.type(CTRL_D)
        assert terminal.wait() == 0
    assert (tmp_path / "answers").read_text() == "# One\n\n**fat**\n*Two*\n"
    assert "fat" not in terminal.text
