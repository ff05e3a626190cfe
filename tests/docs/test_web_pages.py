"""What the pages on web backends and notebooks show is what happens: every Python block of them runs."""

import re
import subprocess
import sys
import types
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import start_new_kernel
from page_blocks import DOCS, ROOT, blocks

from kai_client.server import serve
from kai_client.testing import KaiServer


@pytest.fixture
def in_environment(kai_server: KaiServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A local Kai is the one of the environment."""
    for name in ("KAI_BASE_URL", "KAI_SERVICE", "WORKSPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STORAGE_API_TOKEN", "any")
    monkeypatch.setenv("STORAGE_API_URL", kai_server.url)


@pytest.mark.usefixtures("in_environment")
async def test_the_smallest_backend() -> None:
    """The first block of the page is an app that answers what `useChat` posts, in the format that it reads."""
    app, _ = blocks(DOCS / "web-backends.md")
    module = types.ModuleType("smallest")
    exec(compile(app.code, "web-backends.md", "exec"), vars(module))
    message = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "Which tables do I have?"}]}
    async with serve(module.app) as url, httpx.AsyncClient() as http:
        response = await http.post(f"{url}/api/chat", json={"id": str(uuid4()), "messages": [message]})
    assert response.headers["x-vercel-ai-ui-message-stream"] == "v1"
    assert '"type":"text-delta"' in response.text
    assert "in.c-crm.customers" in response.text
    assert response.text.endswith("data: [DONE]\n\n")


@pytest.mark.usefixtures("in_environment")
def test_other_frameworks() -> None:
    """The second block, as a program of its own with warnings as errors, makes a body that ends as the SDK expects it."""
    _, other = blocks(DOCS / "web-backends.md")
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", other.code], capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.stderr) == ("text/event-stream data: [DONE]\n\n\n", "")


def test_the_react_side_is_the_one_that_is_tested() -> None:
    """The options of `useChat` on the page are those with which the real SDK talks to the example in `tests/interop`."""
    (page,) = blocks(DOCS / "web-backends.md", "tsx")
    driver = (ROOT / "tests" / "interop" / "node" / "use_chat.mjs").read_text(encoding="utf-8")
    options = re.search(r"useChat\(\{\n(.*?)\n  \}\)", page.code, re.DOTALL)
    assert options is not None
    lines = [line.strip() for line in options[1].splitlines()]
    assert len(lines) == 3
    spoken = driver.replace("ai.", "").replace("{ api }", '{ api: "/api/chat" }')
    assert [line for line in lines if line not in spoken] == []


def test_the_example_is_as_long_as_the_page_says() -> None:
    """The number of its lines is told."""
    text = (DOCS / "web-backends.md").read_text(encoding="utf-8")
    length = len((ROOT / "examples" / "fastapi_backend.py").read_text(encoding="utf-8").splitlines())
    assert f"is one in {length} lines" in text


class Kernel:
    """A Jupyter kernel in which somebody runs cells, and answers what `input` asks."""

    def __init__(self, client: BlockingKernelClient, says: str) -> None:
        self._client = client
        self._says = says
        self.questions: list[str] = []

    def run(self, code: str) -> tuple[str, str, str | None]:
        """What a cell printed or drew, what it wrote to stderr, and the error that it ended with."""
        shown: dict[str, str] = {"stdout": "", "stderr": ""}

        def output(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                shown[content["name"]] += content["text"]
            elif message["msg_type"] in {"display_data", "update_display_data", "execute_result"}:
                shown["stdout"] += content["data"].get("text/markdown", "")

        def asked(message: dict[str, Any]) -> None:
            self.questions.append(message["content"]["prompt"])
            self._client.input(self._says)

        run: Callable[..., dict[str, Any]] = self._client.execute_interactive
        reply = run(code, allow_stdin=True, output_hook=output, stdin_hook=asked, timeout=60)
        return shown["stdout"], shown["stderr"], reply["content"].get("ename")


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, in_environment: None) -> Generator[Kernel]:
    """A kernel whose user says yes; warnings are shown."""
    monkeypatch.setenv("PYTHONWARNINGS", "default")
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    manager, client = start_new_kernel(kernel_name="python3")
    try:
        yield Kernel(client, says="y")
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        manager.cleanup_resources()


CELLS = {
    "chat_id, answer = await": "The answer is **12**.",
    "stream.updates()": "You have 5 tables:",
    "part.tool_name": "get_tables ['in.c-crm.customers'",
    "BlockingKai": "The answer is **60**.",
    "ask_here": "I created the bucket `in.c-sandbox`.",
    "asyncio.run": "",
}
"""What each block of the page prints or draws as a cell, by something that only this block contains."""


def test_every_block_is_a_cell(kernel: Kernel) -> None:
    """The blocks of the page, one after the other in a notebook, do what the text says; none but the trap warns."""
    cells = blocks(DOCS / "notebooks.md")
    signs = [[sign for sign in CELLS if sign in cell.code] for cell in cells]
    assert signs == [[sign] for sign in CELLS], "say in CELLS what each block prints"
    for cell, printed in zip(cells, CELLS.values(), strict=True):
        shown, errors, raised = kernel.run(cell.code)
        assert printed in shown
        assert raised == cell.marked("raises")
        assert raised or not errors
    assert kernel.questions == ["Run create_bucket with {'name': 'sandbox'}? [y/N, or why not] "]
