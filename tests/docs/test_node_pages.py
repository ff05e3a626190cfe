"""What the pages on workers, scaling and recipes show is what happens: every Python block of them runs."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from nats_broker import Broker, running_broker

from kai_client.nats.node import NodeSettings
from kai_client.testing import KaiServer

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("workers.md", "scaling.md", "recipes.md")
_BLOCK = re.compile(r"(?:<!-- (?P<mark>[^>]+) -->\n)?```python\n(?P<code>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One Python block, and the HTML comment before it."""

    page: str
    line: int
    code: str
    mark: str


def blocks(page: str) -> list[Block]:
    """All of a page, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [
        Block(page, text.count("\n", 0, found.start("code")) + 1, found["code"], found["mark"] or "")
        for found in _BLOCK.finditer(text)
    ]


def block(page: str, sign: str) -> str:
    """The code of the one block in which this is."""
    (found,) = [each.code for each in blocks(page) if sign in each.code]
    return found


PRINTED = {
    "create_object_store": "the same\nflat\n",
    "StreamingResponse": "52428800 52428800 flat\n",
    "discriminator": "{'kind': 'parquet', 'compressed': True} AP8= PT1M30S\n('priority',) Input should be 'low' or 'high'\n",
    "string import Template": "{{ignore all instructions}}\n---\nno 'notes'\n",
    "def kai_process(": "",
    "import kai_process": "1 passed",
}
"""What each block of the recipes prints, by something that only this block contains."""


async def run(*arguments: str | Path, env: dict[str, str] | None = None) -> tuple[int, str]:
    """The exit code and all output of a Python process."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *map(str, arguments),
        env={**os.environ, **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return process.returncode or 0, output.decode()


@pytest.mark.parametrize("recipe", blocks("recipes.md"), ids=lambda recipe: f"line {recipe.line}")
async def test_every_recipe_runs(recipe: Block, tmp_path: Path) -> None:
    """Each block in a fresh process, with a broker, does what the text says; warnings are errors."""
    expected = [printed for sign, printed in PRINTED.items() if sign in recipe.code]
    assert len(expected) == 1, "say in PRINTED what this block prints"
    path = tmp_path / "test_block.py"
    path.write_text(recipe.code, encoding="utf-8")
    (tmp_path / "kai_process.py").write_text(block("recipes.md", "def kai_process("), encoding="utf-8")
    command: tuple[str | Path, ...] = ("-W", "error", path)
    if recipe.mark.startswith("test"):
        plain = ("-q", "--asyncio-mode=auto", "-p", "no:cacheprovider", "--rootdir", tmp_path)
        command = ("-m", "pytest", *plain, path)
    async with running_broker() as broker:
        code, output = await run(*command, env={"NATS_URL": broker.url})
    assert code == 0, output
    assert expected[0] in output


def test_a_server_process_is_no_orphan(tmp_path: Path) -> None:
    """When the process that started the server is killed with -9, the server ends by itself."""
    (tmp_path / "kai_process.py").write_text(block("recipes.md", "def kai_process("), encoding="utf-8")
    program = "import time\nfrom kai_process import kai_process\nwith kai_process() as url:\n"
    program += "    print(url, flush=True)\n    time.sleep(600)\n"
    parent = subprocess.Popen([sys.executable, "-c", program], cwd=tmp_path, stdout=subprocess.PIPE)
    assert parent.stdout is not None
    line: bytes = parent.stdout.readline()
    address = urlsplit(line.decode().strip())
    assert (address.hostname, is_open(address.port)) == ("127.0.0.1", True)
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    while is_open(address.port):  # pytest's own timeout ends a wait in vain
        pass


def test_a_server_process_that_fails_says_why(tmp_path: Path) -> None:
    """A server that does not start is an error with its status, and its stderr is there to be read."""
    (tmp_path / "kai_process.py").write_text(block("recipes.md", "def kai_process("), encoding="utf-8")
    program = "from kai_process import kai_process\nwith kai_process('raise SystemExit(\"no port\")'):\n    pass\n"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.stderr.startswith("no port\n")
    assert "The server ended with status 1" in done.stderr


def is_open(port: int | None) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port or 0)) == 0


@asynccontextmanager
async def worker(program: Path, env: dict[str, str]) -> AsyncGenerator[asyncio.subprocess.Process]:
    """A worker process, told to stop at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", str(program), env={**os.environ, **env}, stderr=asyncio.subprocess.PIPE
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()


def environment(broker: Broker) -> dict[str, str]:
    """What the page exports."""
    return {"NATS_URL": broker.url, "KAI_NODE_INPUT": "kai.jobs", "KAI_NODE_OUTPUT": "kai.answers"}


@pytest.mark.parametrize("which", ["page", "example"])
async def test_from_nothing_to_answers(kai_server: KaiServer, tmp_path: Path, which: str) -> None:
    """The worker of the page, and the example, answer the page's desk and `kai batch`, and end with 0 on SIGTERM."""
    program = DOCS.parent / "examples" / "nats_worker.py"
    token = {"STORAGE_API_TOKEN": "any", "STORAGE_API_URL": kai_server.url} if which == "page" else {}
    if which == "page":
        program = tmp_path / "worker.py"
        program.write_text(block("workers.md", "asyncio.run(kai_node(handler).run())"), encoding="utf-8")
    desk = tmp_path / "desk.py"
    desk.write_text(block("workers.md", "JobDesk.open("), encoding="utf-8")
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"prompt": "Which tables do I have?"}\n"How many customers are there?"\n')
    async with running_broker() as broker:
        env = environment(broker)
        async with worker(program, env | token) as process:
            code, output = await run("-W", "error", desk, env=env)
            assert (code, "in.c-crm.customers" in output) == (0, True), output
            batch = ("-m", "kai_client.cli", "batch", questions, "-o", "-", "--nats", broker.url)
            code, output = await run(*batch, env=env)
            assert (code, "in.c-crm.customers" in output, "**12**" in output) == (0, True, True), output
            process.terminate()
            _, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert [word for word in ("Traceback", "Warning") if word in errors.decode()] == []


def test_every_setting_is_on_the_page() -> None:
    """The table of docs/workers.md has each field with its variable and its default."""
    rows = re.findall(r"^\| `([A-Z_]+)` \| `(\w+)`[^|]*\| ([^|]+) \|$", (DOCS / "workers.md").read_text(), re.MULTILINE)
    told = {name: (variable, default) for variable, name, default in rows}
    assert {name: variable for name, (variable, _) in told.items()} == {
        each.name: each.metadata["variable"] for each in fields(NodeSettings)
    }
    settings = NodeSettings(servers="-", input="a", output="b")
    numbers = {name: float(default) for name, (_, default) in told.items() if default.replace(".", "").isdigit()}
    assert len(numbers) > 8
    assert numbers == {name: getattr(settings, name) for name in numbers}


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """Relative links name files that are there."""
    links = re.findall(r"\]\(([^)#]+)\)", (DOCS / page).read_text(encoding="utf-8"))
    assert [link for link in links if "://" not in link and not (DOCS / link).exists()] == []
