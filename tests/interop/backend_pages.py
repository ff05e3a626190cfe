"""Pages in a real Chromium before the backend of the example: the one that it serves, and the React component of the docs."""

from __future__ import annotations

import re
import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import node_server
from chat_backend import TOKEN, Mode, example, kai_behind
from chromium import launching
from fastapi.responses import HTMLResponse, Response
from playwright.async_api import Browser, Page, async_playwright

from kai_client import KaiClient
from kai_client.backend import ChatBackend
from kai_client.server import KaiHost, serve

DOCS = Path(__file__).parents[2] / "docs"
PATIENCE_MS = 30_000


@asynccontextmanager
async def running_chromium() -> AsyncGenerator[Browser]:
    """A headless one."""
    async with async_playwright() as driver:
        browser = await driver.chromium.launch(**launching())
        try:
            yield browser
        finally:
            await browser.close()


def react_page(major: str) -> str:
    """The component of docs/web-backends.md as a script."""
    found = re.search(r"```tsx\n(.*?)```", (DOCS / "web-backends.md").read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    with node_server.command("bundle.mjs") as line:
        done = subprocess.run(
            [*line, major], input=found[1], capture_output=True, encoding="utf-8", timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr
    return done.stdout


@asynccontextmanager
async def opened(
    browser: Browser, kai: ChatBackend | KaiHost, script: str | None = None, mode: Mode = "agent"
) -> AsyncGenerator[Page]:
    """The page of the example in a tab, or one with this script. It asks nobody else, and the token is nowhere in it."""
    async with kai_behind(kai, mode) as (_, kai_url):
        app = example().create_app(lambda: KaiClient.from_storage_api(TOKEN, kai_url))
        page = HTMLResponse('<div id="root"></div><script type="module" src="/react.js"></script>')
        app.get("/react")(lambda: page)
        app.get("/react.js")(lambda: Response(script, media_type="text/javascript"))
        async with serve(app) as url:
            tab = await browser.new_page()
            tab.set_default_timeout(PATIENCE_MS)
            asked: list[str] = []
            faults: list[str] = []
            tab.on("request", lambda request: asked.append(request.url))
            tab.on("pageerror", lambda error: faults.append(str(error)))
            await tab.goto(url if script is None else f"{url}/react")
            yield tab
            content = await tab.content()
            await tab.close()
    assert faults == []
    assert [each for each in asked if not each.startswith((url, "data:"))] == []
    assert TOKEN not in content
