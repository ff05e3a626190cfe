"""Draws docs/terminal.svg, the picture in the README, from a real session of `kai` with the local server.

Run: uv run python scripts/record_terminal.py
"""

import os
import pty
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

PICTURE = Path(__file__).parents[1] / "docs" / "terminal.svg"
WIDTH = 84
SESSION: list[tuple[list[str], dict[str, str]]] = [
    (["How many orders are there per country?"], {}),
    (["Create a bucket called sandbox"], {"[y/N": "y\n"}),
]
"""What is typed after `kai`, and what is answered to which question."""

_PASSING = re.compile(r"\r[^\r\n]*\x1b\[K")
"""The status line, which the next words replace."""

_FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def record(words: list[str], answers: dict[str, str]) -> str:
    """What the command writes to a terminal of its own, escape sequences included."""
    master, slave = pty.openpty()
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "KAI_CONFIG_DIR": folder}
        command = [sys.executable, "-m", "kai_client.cli", "--local", *words]
        with subprocess.Popen(command, stdin=slave, stdout=slave, stderr=slave, env=env, cwd=folder) as process:
            os.close(slave)
            said = b""
            while piece := _read(master):
                said += piece
                for question in [each for each in answers if each.encode() in said]:
                    os.write(master, answers.pop(question).encode())
        if process.returncode:
            raise SystemExit(f"kai ended with {process.returncode}: {said.decode()}")
    os.close(master)
    return _PASSING.sub("", said.decode().replace("\r\n", "\n"))


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says so when the last program has left the terminal
        return b""


def draw() -> None:
    """The session as a picture."""
    with Path(os.devnull).open("w", encoding="utf-8") as nowhere:
        console = Console(record=True, width=WIDTH, file=nowhere, force_terminal=True)
        for words, answers in SESSION:
            console.print(Text.assemble(("$ ", "bold green"), f'kai "{" ".join(words)}"'))
            console.print(Text.from_ansi(record(words, dict(answers))))
        # Without the fonts that rich would have fetched from the network: the viewer's own monospace does.
        picture = _FONTS.sub("", console.export_svg(title="kai", unique_id="kai"))
        PICTURE.write_text(picture.replace("Fira Code, monospace", "monospace"), encoding="utf-8")


if __name__ == "__main__":
    draw()
