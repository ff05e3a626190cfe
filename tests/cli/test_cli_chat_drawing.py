"""Markdown on a terminal: each block once, as soon as it is complete, and however the text arrives."""

import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from answer_samples import SAMPLES
from cli_runs import Kai

from kai_client.server import call, raw, say
from kai_client.server.script import Item
from kai_client.testing import KaiServer

if sys.platform == "win32":
    pytest.skip("needs pseudo-terminals", allow_module_level=True)

from cli_terminal import at_terminal

GOLDEN = Path(__file__).parent / "golden"
REWRITE = os.environ.get("KAI_WRITE_GOLDEN") == "1"
"""Write the golden files instead of comparing with them: look at what changed."""


def cut(text: str, random_: random.Random, most: int = 12) -> Iterator[str]:
    """The text in random pieces."""
    while text:
        length = random_.randint(1, most)
        yield text[:length]
        text = text[length:]


def answer(text: str, seed: int) -> list[Item]:
    """A turn that says the text in random pieces."""
    deltas = [raw({"type": "text-delta", "id": "0", "delta": piece}) for piece in cut(text, random.Random(seed))]
    return [raw({"type": "text-start", "id": "0"}), *deltas, raw({"type": "text-end", "id": "0"})]


def compare(name: str, seen: str) -> None:
    """With the golden file."""
    file = GOLDEN / f"answer_{name.replace(' ', '_')}.txt"
    if REWRITE:
        file.write_text(seen, encoding="utf-8")
    assert seen == file.read_text(encoding="utf-8")


def runs_of(cells: list[Any]) -> str:
    """A line of the screen, with its styles in braces."""
    text, style = "", ""
    flags = ("bold", "italics", "underscore", "strikethrough", "reverse")
    last = max((n for n, cell in enumerate(cells) if cell.data.strip()), default=-1)
    for cell in cells[: last + 1]:
        colours = [cell.fg if cell.fg != "default" else "", f"on {cell.bg}" if cell.bg != "default" else ""]
        now = " ".join(filter(None, [*colours, *(flag for flag in flags if getattr(cell, flag))]))
        text += (f"{{{now}}}" if now != style else "") + cell.data
        style = now
    return text + ("{}" if style else "")


@pytest.mark.parametrize("name", SAMPLES)
def test_an_answer_as_it_is_seen(kai_at_server: Kai, kai_server: KaiServer, name: str) -> None:
    """On a terminal of 80 columns each kind of Markdown looks as its golden file, whatever pieces it came in."""
    screens: set[str] = set()
    for seed in (1, 2):
        kai_server.kai.reply(answer(SAMPLES[name], seed))
        with at_terminal(kai_at_server, "chat", "-m", "Hi") as terminal:
            assert terminal.wait() == 0
        screens.add(terminal.text.partition("\n")[2])
    (screen,) = screens
    compare(name, screen)


@pytest.mark.parametrize("name", ["code", "paragraphs"])
def test_the_colours_of_an_answer(kai_at_server: Kai, kai_server: KaiServer, name: str) -> None:
    """Styles and colours are those of the golden file, whatever pieces it came in."""
    kai_server.kai.reply(answer(SAMPLES[name], 3))
    with at_terminal(kai_at_server, "chat", "-m", "Hi", rows=60) as terminal:
        assert terminal.wait() == 0
    lines = [runs_of(row) for row in terminal.cells][1:]
    compare(f"{name}_colours", "\n".join(lines).rstrip("\n") + "\n")


SPINNER = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"


@pytest.mark.kai_server(pace=0.01)
def test_what_was_drawn_stays(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """While an answer grows no line above the last one changes, but the spinner's own: it scrolls like any other text."""
    text = "\n\n".join(SAMPLES[name] for name in ("headings", "lists", "table", "code"))
    kai_server.kai.reply([*answer(text, 4), call("get_tables", output=[1]), say("And **that** is it.\n\nReally.")])
    with at_terminal(kai_at_server, "chat", "-m", "Hi", rows=12, snapshots=True) as terminal:
        assert terminal.wait() == 0
    assert len(terminal.snapshots) > 20
    final = terminal.lines
    changed = 0
    for snapshot in terminal.snapshots:
        shown = "\n".join(snapshot).rstrip("\n").split("\n")
        settled = [line for line in shown[:-1] if line[:1] not in SPINNER or not line]
        assert settled == final[: len(settled)]
        changed += settled != final
    assert changed > 5
    assert not any(line[:1] in SPINNER for line in final if line)


def test_plain_is_what_the_model_wrote(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """With --plain, and with -o markdown, nothing is drawn on a terminal either."""
    for flags in (("--plain",), ("-o", "markdown")):
        kai_server.kai.reply(answer("# One\n\n**two**\n", 5))
        with at_terminal(kai_at_server, "chat", "-m", "Hi", *flags) as terminal:
            assert terminal.wait() == 0
        assert terminal.text.partition("\n")[2] == "# One\n\n**two**\n"


def test_an_answer_without_colours(kai_at_server: Kai, kai_server: KaiServer) -> None:
    """With --color never, and with NO_COLOR, Markdown is drawn with its lines and without escape sequences for colours."""
    for there in (kai_at_server.having("--color", "never"), kai_at_server.having(NO_COLOR="1")):
        kai_server.kai.reply(answer(SAMPLES["code"], 6))
        with at_terminal(there, "chat", "-m", "Hi") as terminal:
            assert terminal.wait() == 0
        assert not any(f"\x1b[{colour}" in terminal.raw for colour in ("3", "4", "9", "1;3", "0;3"))
        assert "def f(x: int)" in terminal.text
