"""Every fault of `tests/faults` through the command: one line on stderr, an exit status, and never half an answer for a whole."""

import asyncio
import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from cli_runs import Kai, Run

from kai_client import KaiError

sys.path.insert(0, str(Path(__file__).parents[1] / "faults"))

_table: Any = importlib.import_module("fault_table")
_methods: Any = importlib.import_module("fault_methods")
_kinds: Any = importlib.import_module("fault_kinds")
fault_server: Any = importlib.import_module("fault_server").fault_server
TOKEN: str = importlib.import_module("fault_server").TOKEN

GROUPS: dict[str, tuple[list[Any], bool]] = _table.GROUPS
ANSWER = "Hello\n"
OTHER_BEGINNINGS = ("", "x***")
"""What servers say that do not even begin with the good answer."""
SAMPLE = [
    "closed at once",
    "gzip gone bad",
    "nested too deeply",
    "an error",
    "torn at the end",
    "401 flat",
    "in a message",
]
"""Faults that a real process meets, too: one of each kind of end."""


TOO_LARGE = {"gzip bomb", "gzip bomb in gzip", "forty encodings", "a huge event", "endless body"}
"""What is only too large for the small limits of a client in those tests: the command has those of `KaiClient`."""


def faults_of(group: str) -> list[Any]:
    """The faults that a client with its own limits meets."""
    return [fault for fault in GROUPS[group][0] if fault.name not in TOO_LARGE]


@pytest.fixture
def kai_there(kai: Kai) -> Kai:
    """The command, with the token that the faults repeat."""
    return kai.having("--token", TOKEN, "--url", "https://connection.keboola.invalid")


async def spoiled(kai: Kai, fault: Any, *args: str) -> Run:
    """A run of the command against a server with this fault."""
    async with fault_server(fault.serve, _methods.STREAM, "text/event-stream") as server:
        return await asyncio.to_thread(kai.having("--base-url", server.url), "chat", "-m", "Hi", *args)


def impatient(kai: Kai, fault: Any) -> Kai:
    """The command, as patient as the fault needs, at a kai-assistant: which is asked nothing but the answer."""
    patience = ("--timeout", "0.05", "--max-time", "0.2") if fault.hasty else ("--timeout", "20", "--max-time", "20")
    return kai.having("--service", "kai-assistant", "--attempts", "1", *patience)


def expect_one_line(run: Run) -> None:
    """A failure is one line, the last of stderr, without the token and without a traceback."""
    assert run.code in {1, 3, 5, 6}
    assert "Traceback" not in run.err
    assert run.err.count("Error: ") == 1 or run.err.count("\nError: ") + run.err.startswith("Error: ") == 1, run.err
    assert run.err.splitlines()[-1].startswith("Error: ")
    assert run.err.endswith("\n")


@pytest.mark.parametrize("group", GROUPS)
async def test_a_fault_is_one_line(kai_there: Kai, capfd: pytest.CaptureFixture[str], group: str) -> None:
    """The right answer and 0, or one line and the status of the failure; what is printed then is only a beginning."""
    for fault in faults_of(group):
        run = await spoiled(impatient(kai_there, fault), fault)
        outcome = fault.answer or fault.stream
        assert TOKEN not in run.out + run.err, fault.name
        assert not set("\x1b\x07\x00") & set(run.out + run.err), fault.name
        if outcome == _kinds.RIGHT:
            assert (run.code, run.out) == (0, ANSWER), (fault.name, run)
        elif isinstance(outcome, type):
            assert issubclass(outcome, KaiError)
            assert run.code != 0, fault.name
        if run.code != 0:
            expect_one_line(run)
            assert run.out.strip("\n") in OTHER_BEGINNINGS or ANSWER.startswith(run.out.strip("\n")), (fault.name, run)
    assert "Traceback" not in "".join(capfd.readouterr())


@pytest.mark.parametrize("group", ["in the body", "stream", "echo", "other content"])
async def test_a_fault_is_data(kai_there: Kai, group: str) -> None:
    """With `-o json` the same is one object, whose `exitCode` is that of the command and whose text is only a beginning."""
    for fault in faults_of(group):
        run = await spoiled(impatient(kai_there, fault), fault, "-o", "json")
        answer = json.loads(run.out)
        assert answer["exitCode"] == run.code
        assert (answer["error"] is None) == (run.code == 0)
        assert answer["text"] in OTHER_BEGINNINGS or ANSWER.startswith(answer["text"]) or run.code == 0
        assert TOKEN not in run.out


@pytest.mark.parametrize("name", SAMPLE)
async def test_a_fault_meets_the_program(kai_there: Kai, name: str) -> None:
    """The same in a process of its own, with its own patience: what Python says at its end is seen, too."""
    fault = next(each for faults, _ in GROUPS.values() for each in faults if each.name == name)
    async with fault_server(fault.serve, _methods.STREAM, "text/event-stream") as server:
        there = kai_there.having("--base-url", server.url)
        command = there.command("chat", "-m", "Hi")
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=there.folder,
            env=there.environment,
        )
        out, err = await process.communicate()
    assert process.returncode is not None
    run = Run(process.returncode, out.decode(), err.decode())
    expect_one_line(run)
    assert TOKEN not in run.out + run.err
