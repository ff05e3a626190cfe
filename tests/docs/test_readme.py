"""What the README shows is what happens: every Python block runs against the local server."""

import re
import sys
from pathlib import Path

import pytest
from page_blocks import ROOT, Block, blocks, clean_environment, run

from kai_client.server import ScriptedKai, kai_app, serve

README = ROOT / "README.md"

PRINTED = {
    "from kai_client.sync import KaiClient\n\nwith": "tokens, stop",
    "case ToolCallEvent": "Ada",
    "approve=policy": "[create_bucket {'name': 'sandbox'}]\nI created the bucket `in.c-sandbox`.",
    "KaiRateLimitError as error": "in.c-crm.customers",
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
    async with serve(kai_app(ScriptedKai())) as url:
        env = clean_environment(STORAGE_API_TOKEN="any-token", STORAGE_API_URL=url)
        code, output = await run(sys.executable, *command, env=env)
    assert code == 0, output
    assert expected[0] in output


def test_every_link_of_the_readme_leads_somewhere() -> None:
    """Relative links name files that are there."""
    links = re.findall(r"\]\(([^)#]+)\)", README.read_text(encoding="utf-8"))
    relative = [link for link in links if "://" not in link]
    assert relative
    assert [link for link in relative if not (README.parent / link).exists()] == []
