"""What the page on tests shows is what happens: every Python block of it runs, as a project of its own."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from page_blocks import DOCS, Block, blocks

from kai_client.testing import KaiServer

BLOCKS = blocks(DOCS / "testing.md")
PYTEST = ("-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", ".")
ASYNC = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
WITHOUT_ASYNC = ("-p", "no:asyncio", "-p", "no:anyio")


def marked(name: str) -> list[Block]:
    """The blocks of a kind, as the comments before them say."""
    return [block for block in BLOCKS if block.marked(name) is not None]


def run(folder: Path, *arguments: str, **env: str) -> str:
    """The output of a Python process that ends with 0."""
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=folder, env={**os.environ, **env}, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize("block", marked("test"), ids=str)
def test_every_test_of_the_page_passes(block: Block, tmp_path: Path) -> None:
    """Alone in a folder, with warnings as errors; what is blocking needs no plugin for async tests"""
    (tmp_path / "test_block.py").write_text(block.code, encoding="utf-8")
    plugins = ASYNC if "async def" in block.code else WITHOUT_ASYNC
    count = len(re.findall(r"def test_", block.code))
    assert f"{count} passed" in run(tmp_path, *PYTEST, *plugins)


@pytest.mark.kai_server(sample=True)
def test_the_recorded_test_of_the_page(kai_server: KaiServer, tmp_path: Path) -> None:
    """It is recorded with the page's conftest.py, and passes afterwards without the Kai that it was recorded from"""
    ((block,), (conftest,)) = marked("recorded"), marked("conftest")
    (tmp_path / "test_block.py").write_text(block.code, encoding="utf-8")
    (tmp_path / "conftest.py").write_text(conftest.code, encoding="utf-8")
    assert "1 passed" in run(tmp_path, *PYTEST, *WITHOUT_ASYNC, "--kai-record", **kai_server.env)
    count = len(kai_server.requests)
    nowhere = {"STORAGE_API_URL": "http://127.0.0.1:1", "STORAGE_API_TOKEN": "none"}
    assert "1 passed" in run(tmp_path, *PYTEST, *WITHOUT_ASYNC, **nowhere)
    assert len(kai_server.requests) == count > 2


@pytest.mark.kai_server(sample=True)
def test_the_program_of_the_page(kai_server: KaiServer, tmp_path: Path) -> None:
    """It records and replays, and says so"""
    (block,) = marked("program")
    assert run(tmp_path, "-W", "error", "-c", block.code, **kai_server.env) == "True False\n"


def test_every_block_is_among_them() -> None:
    """No block of the page is left out."""
    run_here = [block for name in ("test", "recorded", "conftest", "program") for block in marked(name)]
    assert sorted(run_here, key=lambda block: block.line) == BLOCKS
