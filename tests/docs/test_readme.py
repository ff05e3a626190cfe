"""What the README shows is what happens: every Python block runs against the local server."""

import asyncio
import os
import re
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
from nats_broker import running_broker

import kai_client
from kai_client import KaiError, events
from kai_client.server import ScriptedKai, kai_app, serve

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]+) -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)
_OURS = ("STORAGE_API_TOKEN", "STORAGE_API_URL", "KAI_BASE_URL", "KAI_SERVICE", "WORKSPACE_ID")


@dataclass(frozen=True)
class Block:
    """One Python block, and the HTML comment before it that says how to run it."""

    line: int
    code: str
    mark: str


def blocks() -> list[Block]:
    """All of them, in order."""
    text = README.read_text(encoding="utf-8")
    return [
        Block(text.count("\n", 0, found.start("code")) + 1, found["code"], found["mark"] or "")
        for found in _BLOCK.finditer(text)
    ]


PRINTED = {
    "from_storage_api(\n": "in.c-crm.customers",
    "await KaiClient.from_env()": "12",
    "stream.finish_reason": "tokens, stop",
    "approve=policy": "[create_bucket {'name': 'sandbox'}]\nI created the bucket `in.c-sandbox`.",
    "by_id(decisions)": "[('create_bucket', {'name': 'sandbox'})]\nAll right, I did not create",
    "Toolbox()": "I created the bucket `in.c-sandbox`.\n0.041 ['currency']",
    "stream.updates()": "-> ",
    "stream.recover()": "in.c-crm.customers",
    "with_options": "in.c-crm.customers",
    "get_all_history": "['up']",
    "KaiRateLimitError as error": "in.c-crm.customers",
    "ScriptedKai(\n": "You have one table.\nGoodbye.",
    "NatsBroker(URL)": "in.c-crm.customers",
    "kai_server": "1 passed",
}
"""What each block prints, by something that only this block contains."""


async def run(*command: str, env: dict[str, str]) -> tuple[int, str]:
    """The exit code and all output of a process."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=env,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.parametrize("block", blocks(), ids=lambda block: f"line {block.line}")
async def test_every_python_block_of_the_readme_runs(block: Block, tmp_path: Path) -> None:
    """Each block, alone in a fresh process with only the environment set, does what the text says; warnings are errors."""
    expected = [printed for sign, printed in PRINTED.items() if sign in block.code]
    assert len(expected) == 1, "say in PRINTED what this block prints"
    path = tmp_path / "test_block.py"
    path.write_text(block.code, encoding="utf-8")
    mode: Literal["agent", "assistant"] = "assistant" if "kai-assistant" in block.mark else "agent"
    command: tuple[str, ...] = ("-W", "error", str(path))
    if block.mark == "test":
        command = (
            "-m",
            "pytest",
            "-q",
            "--asyncio-mode=auto",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            str(tmp_path),
            str(path),
        )
    async with serve(kai_app(ScriptedKai(), mode=mode)) as url, AsyncExitStack() as stack:
        env = {key: value for key, value in os.environ.items() if key not in _OURS}
        env |= {"STORAGE_API_TOKEN": "any-token", "STORAGE_API_URL": url, "KAI_SERVICE": f"kai-{mode}"}
        if "NATS_URL" in block.code:
            env["NATS_URL"] = (await stack.enter_async_context(running_broker())).url
        code, output = await run(sys.executable, *command, env=env)
    assert code == 0, output
    assert expected[0] in output


def test_every_event_class_and_exception_is_in_the_readme() -> None:
    """The two tables leave nothing out that a user can meet."""
    text = README.read_text(encoding="utf-8")
    kinds = {name: getattr(kai_client, name) for name in kai_client.__all__}
    errors = [name for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, KaiError)]
    assert [name for name in errors if f"`{name}`" not in text] == []
    types = {kind.model_fields["type"].default for kind in vars(events).values() if hasattr(kind, "chunk_type")}
    shown = text.partition("### Events")[2].partition("## Tool approval")[0]
    named = {kind for kind in types if isinstance(kind, str)} - {"step-end", "reasoning", "reasoning-part-finish"}
    assert {
        kind for kind in named if f"`{kind}`" not in shown and f"`-{kind.rpartition('-')[2]}`" not in shown
    } == set()


def test_every_link_of_the_readme_leads_somewhere() -> None:
    """Relative links name files that are there."""
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    relative = [link for link in links if "://" not in link]
    assert relative
    assert [link for link in relative if not (README.parent / link).exists()] == []
