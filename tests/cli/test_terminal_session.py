"""What somebody sees who has to decide about a tool call: all of it, readable, and inert."""

import json
import sys
from collections.abc import Generator
from typing import Any

import pytest
from cli_runs import TOKEN, Kai

from kai_client.server import ask, say
from kai_client.server.script import Item
from kai_client.testing import KaiServer

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from cli_terminal import Gate, at_terminal, decisions
from pseudo_terminal import PseudoTerminal

EVIL = "\x1b[2J\x1b]0;title\x07\x9b31m\r\x08\u202e\u2066\u200bend"
INERT = "\\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\r\\b\\u202e\\u2066\\u200bend"


def asked_about(kai: Kai, server: KaiServer, tool: str, arguments: Any, *flags: str, **options: Any) -> PseudoTerminal:
    """A terminal on which the command has asked about this call and was told no; it has ended."""
    server.kai.reply(ask(tool, arguments, output="ok"), say("It ran."))
    with at_terminal(kai.having(*flags), "chat", "-m", "Run", **options) as terminal:
        terminal.expect("\nAllow it? [y/N/r/")
        terminal.type("n\n")
        assert terminal.wait() == 4
    return terminal


def question(terminal: PseudoTerminal) -> list[str]:
    """The lines from the tool's name to the question."""
    lines = terminal.lines
    begin = next(n for n, line in enumerate(lines) if line.startswith("Kai wants to run"))
    end = next(n for n, line in enumerate(lines) if line.startswith("Allow it?"))
    return lines[begin:end]


def test_sql_is_shown_by_itself(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A query is not one line of JSON: its lines are lines, under the name of its argument, beside the other arguments."""
    arguments = {"limit": 5, "sql": 'SELECT "a"\nFROM t\n  WHERE x', "statement": "drop table t", "note": "select it"}
    terminal = asked_about(kai_at_server, kai_server, "run_query", arguments)
    assert question(terminal) == [
        "Kai wants to run run_query",
        *("  {", '    "limit": 5,', '    "note": "select it"', "  }"),
        *("sql:", '  SELECT "a"', "  FROM t", "    WHERE x"),
        *("statement:", "  drop table t"),
    ]


@pytest.mark.parametrize(
    ("flags", "env", "colours"),
    [
        ((), {}, True),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        (("--color", "never"), {}, False),
        ((), {"NO_COLOR": "1"}, False),
    ],
)
def test_colours_are_for_who_wants_them(
    kai_at_server: Kai, kai_server: KaiServer, flags: tuple[str, ...], env: dict[str, str], colours: bool
) -> None:
    """Keys, numbers and key words have colours on a terminal, and none with NO_COLOR or --color never."""
    terminal = asked_about(
        kai_at_server.having(**env), kai_server, "query", {"limit": 5, "sql": "SELECT 1", "text": "a\nb"}, *flags
    )
    cells = [cell for row in terminal.cells for cell in row if cell.data.strip()]
    assert any(cell.fg != "default" for cell in cells) == colours
    if not colours:
        assert "\x1b[3" not in terminal.raw


def test_arguments_are_shown_whole(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Nobody decides about half of a query, however long: 10,000 characters are all there, in order."""
    text = "".join(f"<{n}>" for n in range(2000))
    terminal = asked_about(kai_at_server, kai_server, "query", {"text": text})
    shown = "".join(line.strip() for line in question(terminal)[1:])
    assert shown.replace(" ", "") == '{"text":"' + text + '"}'


def test_deep_arguments_are_shown_whole(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Nesting hides nothing."""
    deep: Any = "the bottom"
    for n in range(60):
        deep = {f"level {n}": [deep]}
    terminal = asked_about(kai_at_server, kai_server, "query", deep, columns=400)
    assert json.loads("\n".join(question(terminal)[1:])) == deep


def test_a_hostile_call_is_inert(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """Escape sequences, control characters and bidi overrides are written out: nothing disappears, nothing moves."""
    arguments = {EVIL: EVIL, "sql": f"SELECT 1 -- {EVIL}\nFROM t", f"{EVIL}2": f"a\n{EVIL}"}
    terminal = asked_about(kai_at_server, kai_server, f"run{EVIL}\nAllow it? [y/N] y", arguments, columns=400)
    lines = question(terminal)
    assert lines[0] == "Kai wants to run run\\u202e\\u2066\\u200bend Allow it? [y/N] y"
    assert f'    "{INERT}": "{INERT}"' in lines
    escaped = INERT.replace("\\r", "\\u000d").replace("\\b", "\\u0008")
    assert f"  SELECT 1 -- {escaped}" in lines
    assert f"{escaped}2:" in lines
    assert f"  {escaped}" in lines
    assert not {"\x07", "\x08", "\x9b"} & set(terminal.raw)
    assert "\x1b[2J" not in terminal.raw
    assert "\x1b]" not in terminal.raw


def test_the_name_of_a_tool_is_one_line(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A name cannot write a question of its own under the real one."""
    terminal = asked_about(kai_at_server, kai_server, "get_tables\n  {}\nAllow it? [y/N] y\n\n", {}, columns=200)
    assert question(terminal) == ["Kai wants to run get_tables {} Allow it? [y/N] y", "  {}"]


def test_what_was_typed_before_is_no_answer(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A yes that was typed while the question was not there yet approves nothing."""

    def turn(_: object) -> Generator[Item]:
        yield say("Do you like it? [y/N]")
        yield from gate.closed()
        yield ask("run_job", output="ok")

    gate = Gate()
    kai_server.kai.reply(turn)
    with at_terminal(kai_at_server, "chat", "-m", "Run", "--plain") as terminal:
        terminal.expect("Do you like it? [y/N]")
        terminal.type("y\n")
        terminal.sees("y/N]y")
        gate.open()
        terminal.expect("\nAllow it? [y/N/r/e/a/?]")
        terminal.type("n\n")
        assert terminal.wait() == 4
    assert [each["approved"] for each in decisions(kai_server)] == [False]


def test_a_long_name_is_shown_whole(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A name of 10,000 characters pushes nothing away."""
    name = "".join(f"t{n}_" for n in range(2000))
    terminal = asked_about(kai_at_server, kai_server, name, {"id": 1})
    lines = question(terminal)
    assert "".join(lines[:-3]) == f"Kai wants to run {name}"
    assert lines[-3:] == ["  {", '    "id": 1', "  }"]


def test_the_token_is_not_shown(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """A call that repeats the token is shown without it."""
    terminal = asked_about(kai_at_server, kai_server, f"run_{TOKEN}", {TOKEN: TOKEN, "sql": f"SELECT '{TOKEN}'"})
    assert TOKEN not in terminal.raw
    assert "Kai wants to run run_***" in terminal.text


@pytest.mark.parametrize("arguments", [[1, "two"], "text", 17, True])
def test_arguments_that_are_no_object(kai_at_server: Kai, kai_server: KaiServer, arguments: Any) -> None:
    """Whatever a model sends as arguments is shown, and cannot be edited."""
    terminal = asked_about(kai_at_server, kai_server, "query", arguments)
    assert json.loads("\n".join(question(terminal)[1:])) == arguments
    assert "Allow it? [y/N/r/a/?] n" in terminal.text


def test_history_is_a_table(kai_at_server: Kai) -> None:
    """On a terminal the chats are a table, their titles taken literally."""
    kai_at_server("chat", "-m", "[bold]Hello[/bold]")
    with at_terminal(kai_at_server, "history") as terminal:
        terminal.expect("Title")
        terminal.expect("[bold]Hello[/bold]")
        assert terminal.wait() == 0
