"""What docs/workers.md promises holds in processes of its own, and so does the server process of docs/recipes.md."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from nats_broker import Broker, running_broker
from page_blocks import DOCS, ROOT, blocks, clean_environment, run

from kai_client.nats.node import NodeSettings
from kai_client.testing import KaiServer


def block(page: str, sign: str) -> str:
    """The code of the one block in which this is."""
    (found,) = [each.code for each in blocks(DOCS / page) if sign in each.code]
    return found


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
    return clean_environment(NATS_URL=broker.url, KAI_NODE_INPUT="kai.jobs", KAI_NODE_OUTPUT="kai.answers")


@pytest.mark.parametrize("which", ["page", "example"])
async def test_from_nothing_to_answers(kai_server: KaiServer, tmp_path: Path, which: str) -> None:
    """The worker of the page, and the example, answer the page's desk and `kai batch`, and end with 0 on SIGTERM."""
    program = ROOT / "examples" / "nats_worker.py"
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
            code, output = await run(sys.executable, "-W", "error", desk, env=env)
            assert (code, "in.c-crm.customers" in output) == (0, True), output
            batch = ("-m", "kai_client.cli", "batch", questions, "-o", "-", "--nats", broker.url)
            code, output = await run(sys.executable, *batch, env=env)
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
