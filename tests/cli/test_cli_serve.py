"""`kai serve`: the local server as a program."""

import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, cast

import pytest
from cli_runs import Kai

if sys.platform == "win32":
    pytest.skip("needs signals", allow_module_level=True)

SCRIPT = """
from kai_client.server import ask, say, when
script = [when("tables", "One: orders."), "Hello!", [ask("run_job", {"id": 1}, output="ok"), say("It ran.")]]
"""


@contextmanager
def served(kai: Kai, *args: str) -> Generator[tuple[str, "subprocess.Popen[bytes]"]]:
    """A running `kai serve`: its URL, and the process."""
    process = kai.start("serve", "--port", "0", *args)
    try:
        port = cast("IO[bytes]", process.stdout).readline().decode().strip()
        assert port.isdecimal(), process.communicate()
        yield f"http://127.0.0.1:{port}", process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_runs_until_it_is_told_to_stop(kai: Kai, number: int) -> None:
    """The first line on stdout is the port, stderr says how to connect, and either signal ends it well: 0."""
    with served(kai) as (url, process):
        assert kai.at(url)("ping").code == 0
        process.send_signal(number)
        out, err = process.communicate()
    assert process.returncode == 0
    assert out == b""
    assert err.decode() == (
        f"Kai is at {url} (Ctrl-C stops it). Talk to it from elsewhere:\n"
        f"  kai --url {url} --token any chat\n"
        f"  export STORAGE_API_URL={url} STORAGE_API_TOKEN=any  # for `KaiClient.from_env()`\n"
        "Stopped.\n"
    )


def test_it_stops_in_the_middle_of_an_answer(kai: Kai) -> None:
    """Open streams do not keep it: whoever reads them sees that they broke off."""
    script = kai.folder / "slow.py"
    script.write_text("from kai_client.server import pause, say\nscript = [[say('One'), pause(1000), say('Two')]]")
    with served(kai, "--script", str(script)) as (url, process):
        reader = kai.at(url).start("chat", "-m", "Count")
        assert cast("IO[bytes]", reader.stdout).read(3) == b"One"
        process.send_signal(signal.SIGTERM)
        process.communicate()
        reader.communicate()
    assert process.returncode == 0
    assert reader.returncode == 5


def test_a_script_says_what_is_answered(kai: Kai) -> None:
    """A list of turns is played: patterns first, then in order."""
    (kai.folder / "demo.py").write_text(SCRIPT)
    with served(kai, "--script", "demo.py", "--pace", "0", "--mode", "assistant") as (url, _):
        there = kai.at(url)
        assert there("chat", "-m", "Hi").out == "Hello!\n"
        assert there("chat", "-m", "Which tables?").out == "One: orders.\n"
        assert there("chat", "-m", "Run it", "--auto-approve").out == "It ran.\n"
        assert "Service: kai-assistant\n" in there("info").out


def test_a_script_may_make_the_whole_kai(kai: Kai) -> None:
    """`kai` is served as it is, and modules beside the file can be imported."""
    (kai.folder / "words.py").write_text("GREETING = 'Good evening.'")
    (kai.folder / "demo.py").write_text(
        "from kai_client.server import ScriptedKai\nfrom words import GREETING\nkai = ScriptedKai(quota=7)\nkai.reply(GREETING)"
    )
    with served(kai, "--script", "demo.py") as (url, _):
        assert kai.at(url)("chat", "-m", "Hi").out == "Good evening.\n"
        assert "1 of 7 messages" in kai.at(url)("verify").out


@pytest.mark.parametrize(
    ("text", "options", "line"),
    [
        ("x = 1\n\ndef f():\n    return x / 0\nf()\n", (), "demo.py:4: ZeroDivisionError: division by zero"),
        ("script = [\n  'a'\n", (), "demo.py:1: SyntaxError: '[' was never closed"),
        ("import nothing_like_this", (), "demo.py:1: ModuleNotFoundError: No module named 'nothing_like_this'"),
        ("raise SystemExit(0)", (), "demo.py:1: SystemExit: 0"),
        ("x = 1", (), "demo.py defines neither kai (a ScriptedKai) nor script (a list of turns)"),
        ("kai = 1", (), "demo.py: kai is no ScriptedKai but of type int"),
        ("script = ['a', 1]", (), "demo.py: turn 2 of the script is none, but of type int"),
        (
            "from kai_client.server import when\nscript = [when('(', 'a')]",
            (),
            "demo.py: a pattern of the script is no regular expression: missing ), unterminated subpattern at position 0",
        ),
        (
            "from kai_client.server import ScriptedKai\nkai = ScriptedKai()",
            ("--pace", "1"),
            "demo.py defines kai, so --db and --pace have to stand in it",
        ),
    ],
)
def test_a_script_that_is_wrong(
    kai: Kai, monkeypatch: pytest.MonkeyPatch, text: str, options: tuple[str, ...], line: str
) -> None:
    """One line with the file, and where there is one the line in it: 2."""
    monkeypatch.setattr(sys, "path", [*sys.path])  # the folder of a script is added
    (kai.folder / "demo.py").write_text(text)
    run = kai("serve", "--port", "0", "--script", "demo.py", *options)
    assert (run.code, run.out, run.err) == (2, "", f"Error: {line}\n")


def test_debug_shows_where_a_script_fails(kai: Kai, monkeypatch: pytest.MonkeyPatch) -> None:
    """--debug adds the traceback."""
    monkeypatch.setattr(sys, "path", [*sys.path])
    (kai.folder / "demo.py").write_text("1 / 0")
    run = kai("--debug", "serve", "--script", "demo.py")
    assert "Traceback (most recent call last)" in run.err
    assert run.err.endswith("Error: demo.py:1: ZeroDivisionError: division by zero\n")


def test_a_port_that_is_taken(kai: Kai) -> None:
    """1, with the way out."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        run = kai("serve", "--port", str(port))
    assert run.code == 1
    assert (
        run.err
        == f"Error: Port {port} is in use: stop what listens there, or take another with --port (0: any free one)\n"
    )


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (("--host", "256.256.256.256", "--port", "0"), 1),
        (("--port", "65536"), 2),
        (("--pace", "-1"), 2),
        (("--mode", "human"), 2),
        (("--script", "not-there.py"), 2),
        (("--db", "no/such/folder/file", "--port", "0"), 2),
    ],
)
def test_what_cannot_be_served(kai: Kai, args: tuple[str, ...], code: int) -> None:
    """An address that nobody has is a failure, an option that cannot be meant a usage error."""
    run = kai("serve", *args)
    assert run.code == code
    assert run.err.splitlines()[-1].startswith("Error: ")


def test_only_the_tokens_given_are_accepted(kai: Kai) -> None:
    """--token says who may, and the server does not print them."""
    with served(kai, "--token", "one-token", "--token", "two-token") as (url, process):
        for token, code in (("one-token", 0), ("two-token", 0), ("any", 3)):
            assert kai("--url", url, "--token", token, "history").code == code
        process.terminate()
        _, err = process.communicate()
    assert b"one-token" not in err


def test_chats_are_kept_in_a_file(kai: Kai, tmp_path: Path) -> None:
    """With --db another run finds the chats of the one before."""
    for chats in (1, 2):
        with served(kai, "--pace", "0", "--db", str(tmp_path / "chats.sqlite")) as (url, process):
            assert kai.at(url)("chat", "-m", "Hello").code == 0
            assert len(kai.at(url)("history").out.splitlines()) == chats
            process.terminate()
            process.wait()


@pytest.mark.parametrize(
    "args", [("serve", "--db", "{}"), ("--local", "--db", "{}", "serve"), ("--local", "--db", "{}", "history")]
)
def test_chats_that_cannot_be_kept(kai: Kai, args: tuple[str, ...]) -> None:
    """A file that cannot be made, however it was named: 2, and which it is."""
    path = kai.folder / "nowhere" / "chats.sqlite"
    run = kai(*(arg.format(path) for arg in args))
    assert (run.code, run.err) == (2, f"Error: Cannot keep chats in {path}: unable to open database file\n")
