"""`ask` at a real pseudo-terminal: whoever sits there sees all of the call, and only a y approves it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from run_terminal import AskedAtTerminal

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no pseudo-terminals")

QUESTION = "[y/N, or why not]"
APPROVED = "=> Approval(updated_input=None, answers=None)"

ANSWERS: list[tuple[str, str]] = [
    ("y\n", APPROVED),
    ("Y\n", APPROVED),
    ("yes\n", APPROVED),
    (" y \n", APPROVED),
    ("n\n", "=> Denial(reason=None)"),
    ("No\n", "=> Denial(reason=None)"),
    ("\n", "=> Denial(reason=None)"),
    ("  \n", "=> Denial(reason=None)"),
    ("\x04", "=> Denial(reason=None)"),
    ("not on Fridays\n", "=> Denial(reason='not on Fridays')"),
    ("yes please\n", "=> Denial(reason='yes please')"),
    ("true\n", "=> Denial(reason='true')"),
    ("1\n", "=> Denial(reason='1')"),
    ("yy\n", "=> Denial(reason='yy')"),
    ("ý\n", "=> Denial(reason='ý')"),
]


def asked(tmp_path: Path, *calls: dict[str, Any]) -> AskedAtTerminal:
    """A program that asks about these calls."""
    return AskedAtTerminal(json.dumps(calls), tmp_path)


@pytest.mark.parametrize(("typed", "expected"), ANSWERS)
def test_what_is_typed_decides(tmp_path: Path, typed: str, expected: str) -> None:
    """A y approves; an n, nothing and the end of the input deny; other words deny and are the reason."""
    with asked(tmp_path, {"tool_name": "run_job", "input": {"id": 5}}) as terminal:
        terminal.expect("run_job")
        terminal.expect('"id": 5')
        terminal.expect(QUESTION)
        terminal.type(typed)
        terminal.expect(expected)
        assert terminal.wait() == 0


def test_nothing_in_a_call_is_hidden(tmp_path: Path) -> None:
    """Escape sequences, bidi overrides and invisible characters are written out, in the name, the input and the reason."""
    hostile = "\x1b[2J\x1b]0;owned\x07\u202eevil\u2066\u200b\u2028\r\x9b31m"
    call = {
        "tool_name": f"run{hostile}",
        "input": {f"key{hostile}": [f"value{hostile}", {"deep": hostile}]},
        "request_reason": f"why{hostile}",
    }
    with asked(tmp_path, call) as terminal:
        terminal.expect(QUESTION)
        screen = terminal.raw.decode()
        terminal.type("n\n")
        terminal.expect("=> Denial")
        terminal.wait()
    assert not [char for char in screen.replace("\r\n", "\n") if not char.isprintable() and char != "\n"]
    for place in ("run", "key", "value", "why"):
        assert f"{place}\\u001b[2J" in screen
    assert screen.count("\\u202eevil") == 5


def test_a_line_break_in_a_call_cannot_forge_a_question(tmp_path: Path) -> None:
    """A name with line breaks stays on its line."""
    with asked(tmp_path, {"tool_name": "a\nAllow it? y\n", "input": "x\nKai wants to run ls"}) as terminal:
        terminal.expect(QUESTION)
        screen = terminal.raw.decode()
        terminal.type("n\n")
        terminal.wait()
    assert len(screen.split("\r\n")) == 2
    assert "\nKai wants to run ls" not in screen


def test_a_long_call_is_shown_whole(tmp_path: Path) -> None:
    """Nobody can decide about half of a query."""
    with asked(tmp_path, {"tool_name": "query", "input": {"sql": "x" * 20000 + "; DROP TABLE t"}}) as terminal:
        terminal.expect("; DROP TABLE t")
        terminal.expect(QUESTION)
        terminal.type("y\n")
        terminal.expect(APPROVED)
        terminal.wait()


def test_questions_come_one_at_a_time(tmp_path: Path) -> None:
    """Two calls that wait at once are asked about one after the other, and each gets its own answer."""
    with asked(tmp_path, {"tool_name": "first", "input": 1}, {"tool_name": "second", "input": 2}) as terminal:
        terminal.expect(QUESTION)
        assert b"second" not in terminal.raw
        terminal.type("y\n")
        terminal.expect("second")
        terminal.expect(QUESTION)
        terminal.type("no way\n")
        terminal.expect(APPROVED)
        terminal.expect("=> Denial(reason='no way')")
        assert terminal.wait() == 0


def test_what_was_typed_ahead_does_not_approve_two(tmp_path: Path) -> None:
    """Two lines at once answer two questions, in their order: none is lost, and the second is never taken for the first."""
    with asked(tmp_path, {"tool_name": "first", "input": 1}, {"tool_name": "second", "input": 2}) as terminal:
        terminal.expect(QUESTION)
        terminal.type("y\nn\n")
        terminal.expect(APPROVED)
        terminal.expect("=> Denial(reason=None)")
        assert terminal.wait() == 0
