"""The code blocks of the pages, and how each is run: alone, in a fresh process, with warnings as errors.

An HTML comment right before a block says what is special about it; several are divided by semicolons.

    not run: REASON              it cannot run here
    run by: tests/x/test_y.py    that test runs it
    test                         pytest runs it
    file: NAME                   it is beside the page's other blocks under this name, for them to import
    inside: client               it stands inside `async with KaiClient.from_env() as client:`, with a `chat_id`
    service: kai-assistant       the backend that it talks to; else kai-agent

What a block prints is the `text` block that follows it, where there is one; `...` in it is any text.
"""

import asyncio
import os
import re
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Final

__all__ = ["DOCS", "ROOT", "Block", "blocks", "clean_environment", "prints", "program", "run", "site_pages"]

ROOT: Final = Path(__file__).parents[2]
DOCS: Final = ROOT / "docs"

_FENCE: Final = re.compile(
    r"^(?:<!-- (?P<mark>[^>]+) -->\n+)?```(?P<language>python|console|tsx)\n(?P<code>.*?)^```\n"
    r"(?:\n```text\n(?P<output>.*?)^```)?",
    re.DOTALL | re.MULTILINE,
)
_SETTINGS: Final = ("STORAGE_API_TOKEN", "STORAGE_API_URL", "KAI_BASE_URL", "KAI_SERVICE", "WORKSPACE_ID")
_INSIDE: Final = """\
import asyncio

from kai_client import *


async def main() -> None:
    async with KaiClient.from_env() as client:
        chat_id = client.new_chat_id()
{code}

asyncio.run(main())
"""


@dataclass(frozen=True)
class Block:
    """One block of a page, the comment before it, and the output that is shown below it."""

    page: str
    line: int
    code: str
    mark: str
    output: str | None

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    def marked(self, name: str) -> str | None:
        """What a mark says, "" for one that says nothing more; None where there is none of this name."""
        for each in self.mark.split(";"):
            key, _, value = each.strip().partition(":")
            if key.partition(",")[0] == name:
                return value.strip()
        return None


def site_pages() -> list[Path]:
    """Every page of the site."""
    return sorted(DOCS.rglob("*.md"))


def blocks(page: Path, language: str = "python") -> list[Block]:
    """All of a page in one language, in order."""
    text = page.read_text(encoding="utf-8")
    name = page.relative_to(DOCS if page.is_relative_to(DOCS) else ROOT).as_posix()
    return [
        Block(
            page=name,
            line=text.count("\n", 0, found.start("code")) + 1,
            code=found["code"],
            mark=found["mark"] or "",
            output=found["output"],
        )
        for found in _FENCE.finditer(text)
        if found["language"] == language
    ]


def program(block: Block) -> str:
    """The whole program that a block stands for."""
    if block.marked("inside") is None:
        return block.code
    return _INSIDE.format(code=textwrap.indent(block.code, " " * 8))


def prints(output: str, block: Block) -> bool:
    """Whether this is what the block shows, or whatever, where it shows nothing."""
    if block.output is None:
        return True
    lines = [re.escape(line.rstrip()).replace(re.escape("..."), ".*") for line in block.output.strip().splitlines()]
    shown = "\n".join(line.rstrip() for line in output.strip().splitlines())
    return re.fullmatch("\n".join(lines), shown, re.DOTALL) is not None


def clean_environment(**changes: str) -> dict[str, str]:
    """The environment without settings of Kai but these, with the commands of this Python on its path."""
    env = {key: value for key, value in os.environ.items() if key not in _SETTINGS}
    path = f"{Path(sys.executable).parent}{os.pathsep}{env.get('PATH', '')}"
    return env | {"PATH": path, "COLUMNS": "100"} | changes


async def run(*command: str | Path, env: dict[str, str], cwd: Path | None = None) -> tuple[int, str]:
    """The exit code and all output of a process."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        env=env,
        cwd=cwd,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()
