"""`kai batch` as a program: signals, pipes and a terminal."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from batch_files import answers_in, sent, write_prompts
from cli_runs import Kai

from kai_client.server import Question, fail, pause, say
from kai_client.testing import KaiServer

if sys.platform == "win32":
    pytest.skip("needs POSIX signals and pseudo-terminals", allow_module_level=True)

from pseudo_terminal import PseudoTerminal

OUTPUT = "p.jsonl.answers.jsonl"


class Stuck:
    """Answers everything but prompts with `stuck`, which wait for `go`; `reached` tells when so many of those wait."""

    def __init__(self, waiting: int) -> None:
        self.reached = threading.Event()
        self.go = threading.Event()
        self._left = waiting

    def __call__(self, question: Question) -> Generator[Any, Any, None]:
        """Play a turn."""
        if "stuck" in question.text:
            self._left -= 1
            if not self._left:
                self.reached.set()
            while not self.go.is_set():
                yield pause(0.01)
        yield say(f"Echo {question.text}")


def lines_of(process: subprocess.Popen[bytes]) -> tuple[int, list[str]]:
    """The exit status, and what it said."""
    _, err = process.communicate()
    assert b"Traceback" not in err
    return process.returncode, err.decode().splitlines()


@pytest.mark.parametrize(
    ("number", "ctrl_c"),
    [
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGTERM, signal.default_int_handler),
        (signal.SIGTERM, signal.SIG_IGN),  # as in the background of a script
    ],
)
def test_an_interrupt(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path, number: int, ctrl_c: Any) -> None:
    """Ctrl-C, or SIGTERM: 130, nothing more is sent, what is complete is in the file, and the next run does the rest."""
    stuck = Stuck(2)
    kai_server.kai.reply(stuck, when="")
    path = write_prompts(tmp_path / "p.jsonl", "a", "b", "stuck 1", "stuck 2", "c", "d")
    before = signal.signal(signal.SIGINT, ctrl_c)  # the program inherits whether it is ignored
    process = kai_at_server.start("batch", str(path), "-c", "2")
    signal.signal(signal.SIGINT, before)
    assert stuck.reached.wait(60)
    process.send_signal(number)
    code, said = lines_of(process)
    assert code == 130
    assert said[-2].startswith("6 prompts: 2 ok, 0 failed, 4 not done; ")
    assert said[-1] == "Error: Interrupted"
    assert sorted(sent(kai_server)) == ["a", "b", "stuck 1", "stuck 2"]
    assert {record["answer"] for record in answers_in(tmp_path / OUTPUT).values()} == {"Echo a", "Echo b"}
    stuck.go.set()
    assert kai_at_server("batch", str(path)).code == 0
    assert len(answers_in(tmp_path / OUTPUT)) == 6


def test_a_kill_costs_no_answer(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """What was answered before a kill is in the file, line by line, and is not asked again."""
    stuck = Stuck(1)
    kai_server.kai.reply(stuck, when="")
    path = write_prompts(tmp_path / "p.jsonl", "a", "b", "c", "stuck", "d")
    process = kai_at_server.start("batch", str(path), "-c", "1")
    assert stuck.reached.wait(60)
    process.kill()
    process.communicate()
    assert len(answers_in(tmp_path / OUTPUT)) == 3
    stuck.go.set()
    assert kai_at_server("batch", str(path)).code == 0
    assert sent(kai_server) == ["a", "b", "c", "stuck", "stuck", "d"]


def test_a_reader_that_leaves(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """A broken pipe: 141, and not a word about it."""
    kai_server.kai.reply("ok", when="")
    path = write_prompts(tmp_path / "p.jsonl", *map(str, range(9)))
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "wb") as nowhere:
        process = kai_at_server.start("batch", str(path), "-o", "-", stdout=nowhere)
    code, said = lines_of(process)
    assert code == 141
    assert "Error" not in "\n".join(said)


def test_the_bar(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """On a terminal one live line shows how many are done and failed; failures and the summary stay, the bar does not."""
    stuck = Stuck(1)
    kai_server.kai.reply(fail("[bold]No[/bold]", status=400), when="bad")
    kai_server.kai.reply(stuck, when="")
    path = write_prompts(tmp_path / "p.jsonl", "bad", "a", "b", "stuck")
    command = kai_at_server.command("batch", str(path), "-c", "1")
    with PseudoTerminal(command, folder=tmp_path, env=kai_at_server.environment) as terminal:
        failed, live = "(line 1) failed: [bad_request:chat] [bold]No[/bold]", "3/4 1 failed"
        terminal.until(lambda: failed in terminal.text and live in terminal.text, "the bar below the failure")
        assert len(terminal.text.splitlines()) == 2
        stuck.go.set()
        assert terminal.wait() == 1
        first, second, third = terminal.text.splitlines()
        assert first.endswith(failed)
        assert second.startswith("4 prompts: 3 ok, 1 failed; ")
        assert third == "Error: 1 of 4 prompts failed: the same command again goes on"


def test_an_interrupt_at_the_terminal(kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """Ctrl-C while the bar is there: it goes, the cursor comes back, and the summary says what is not done."""
    stuck = Stuck(1)
    kai_server.kai.reply(stuck, when="")
    path = write_prompts(tmp_path / "p.jsonl", "a", "stuck")
    command = kai_at_server.command("batch", str(path), "-c", "1")
    with PseudoTerminal(command, folder=tmp_path, env=kai_at_server.environment) as terminal:
        terminal.expect("1/2")
        assert stuck.reached.wait(60)
        terminal.type("\x03")
        assert terminal.wait() == 130
        *_, summary, error = terminal.text.splitlines()
        assert (summary.rpartition(";")[0], error) == (
            "2 prompts: 1 ok, 0 failed, 1 not done",
            "Error: Interrupted",
        )
        assert "1/2" not in terminal.text
        assert terminal.raw.rfind("\x1b[?25h") > terminal.raw.rfind("\x1b[?25l") >= 0


def test_answers_on_the_terminal_have_no_bar_between_them(
    kai_at_server: Kai, kai_server: KaiServer, tmp_path: Path
) -> None:
    """With answers and progress on the same screen each answer is a whole line of JSON."""
    kai_server.kai.reply("ok", when="")
    path = write_prompts(tmp_path / "p.jsonl", "a", "b", "c")
    command = kai_at_server.command("batch", str(path), "-o", "-")
    with PseudoTerminal(command, folder=tmp_path, env=kai_at_server.environment) as terminal:
        assert terminal.wait() == 0
        lines = [line for line in terminal.raw.splitlines() if line.startswith("{")]
        assert [json.loads(line)["index"] for line in lines] == [0, 1, 2]
        assert "1/3" not in terminal.raw
        assert "\x1b[?25l" not in terminal.raw
