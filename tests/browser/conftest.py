"""A Chromium, a local Kai and a Streamlit server for the tests of a module, and a new browser tab for each of them."""

from collections.abc import Generator
from urllib.parse import urlsplit

import pytest
from chromium import require_browser, running_browser
from held_kai import HeldKai
from leaks import no_leaks
from playwright.sync_api import Browser, BrowserContext, Page, expect
from shared_kai import TOKEN, Kai
from streamlit_process import App, running_app

from kai_client.sync import KaiClient
from kai_client.testing import running_server

__all__ = ["no_leaks"]

PATIENCE_MS = 30_000
"""How long what should happen at once may take on a busy machine."""

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module")
def browser() -> Generator[Browser]:
    """One Chromium for all tests of a module; without it they skip."""
    require_browser()
    with running_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def kai() -> Generator[Kai]:
    """The server with its script; the tests share its chats, too."""
    script = HeldKai()
    with running_server(script) as server, KaiClient.from_storage_api(TOKEN, server.url) as client:
        yield Kai(server, script, client)


@pytest.fixture(scope="module", params=["kai-agent"])
def app(
    request: pytest.FixtureRequest, browser: Browser, kai: Kai, tmp_path_factory: pytest.TempPathFactory
) -> Generator[App]:
    """The page of that user. What it wrote into its log has no token and no fault in it."""
    del browser  # first: no Streamlit is started for tests that skip
    env = {"STORAGE_API_TOKEN": TOKEN, "STORAGE_API_URL": kai.server.url, "KAI_SERVICE": request.param}
    with running_app(tmp_path_factory.mktemp("streamlit"), env) as running:
        yield running
    log = "".join(running.log)
    assert [word for word in (TOKEN, "Traceback", "Error", "Warning") if word in log] == [], log


@pytest.fixture(scope="module")
def context(browser: Browser) -> Generator[BrowserContext]:
    """The tabs of a module share a cache."""
    context = browser.new_context(viewport={"width": 1100, "height": 800})
    context.set_default_timeout(PATIENCE_MS)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext, app: App) -> Generator[Page]:
    """The page in a new tab. Nothing of it comes from elsewhere, and the token is nowhere in it."""
    tab = context.new_page()
    hosts: set[str | None] = set()
    tab.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    tab.goto(app.url)
    yield tab
    source = tab.content()
    tab.close()
    assert TOKEN not in source
    assert hosts <= {"127.0.0.1", None}
