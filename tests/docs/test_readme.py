"""What the README shows is what happens: every Python block runs against the local server."""

import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import pytest
from nats_broker import running_broker
from page_blocks import ROOT, Block, blocks, clean_environment, run

import kai_client
from kai_client import KaiError, events
from kai_client.server import ScriptedKai, kai_app, serve

README = ROOT / "README.md"

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


@pytest.mark.parametrize("block", blocks(README), ids=str)
async def test_every_python_block_of_the_readme_runs(block: Block, tmp_path: Path) -> None:
    """Each block, alone in a fresh process with only the environment set, does what the text says; warnings are errors."""
    expected = [printed for sign, printed in PRINTED.items() if sign in block.code]
    assert len(expected) == 1, "say in PRINTED what this block prints"
    path = tmp_path / "test_block.py"
    path.write_text(block.code, encoding="utf-8")
    mode: Literal["agent", "assistant"] = "assistant" if block.marked("service") == "kai-assistant" else "agent"
    command: tuple[str, ...] = ("-W", "error", str(path))
    if block.marked("test") is not None:
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
        env = clean_environment(STORAGE_API_TOKEN="any-token", STORAGE_API_URL=url, KAI_SERVICE=f"kai-{mode}")
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
