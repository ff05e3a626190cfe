"""A human at a real browser: the page of the example, and the React component of the docs with the AI SDK 6 and 7."""

from collections.abc import AsyncGenerator, Generator

import node_server
import pytest
from ai_sdk import MAJORS
from availability import require
from backend_pages import PATIENCE_MS, opened, react_page, running_chromium
from chat_backend import GatedKai, Mode
from chromium import require_browser
from playwright.async_api import Browser, Page, expect

from kai_client.server import Execution, ScriptedKai, ask, fail, say
from kai_client.types import Json

expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="module", params=["own", *MAJORS])
def script(request: pytest.FixtureRequest) -> Generator[str | None]:
    """The script of a React page; None for the page of the example."""
    require_browser()
    if request.param == "own":
        yield None
        return
    require(node_server.unavailable())
    yield react_page(request.param)


@pytest.fixture
async def tabs() -> AsyncGenerator[Browser]:
    """A Chromium."""
    require_browser()
    async with running_chromium() as browser:
        yield browser


async def send(page: Page, text: str) -> None:
    """The user writes a message, and sends it."""
    await page.locator("input[name=text]").fill(text)
    await page.get_by_role("button", name="Send").click()


async def test_text_arrives_and_is_stopped(tabs: Browser, script: str | None) -> None:
    """The first words are on the page while Kai still writes, and "Stop" ends Kai's stream; then the chat goes on."""
    kai = GatedKai()
    kai.expect("hi", "again")
    kai.gates["again"].set()
    async with opened(tabs, kai, script) as page:
        await send(page, "hi")
        await expect(page.get_by_text("You said hi", exact=True)).to_be_visible()
        await page.get_by_role("button", name="Stop").click()
        await kai.left["hi"].wait()
        await send(page, "again")
        await expect(page.get_by_text("You said again, did you not?")).to_be_visible()
        await expect(page.get_by_text("You said hi", exact=True)).to_be_visible()


async def test_a_question_below_a_long_answer_is_seen(tabs: Browser) -> None:
    """The page of the example follows what is written: the end of it and the buttons are in view, without scrolling."""
    turn = [say("line\n" * 200), ask("run_job", {"sql": "x " * 500}, "ok")]
    async with opened(tabs, ScriptedKai([turn]), None) as page:
        await send(page, "Run the job")
        await expect(page.get_by_role("button", name="Run it")).to_be_in_viewport()
        await expect(page.get_by_role("button", name="Stop")).to_be_in_viewport()


@pytest.mark.parametrize("mode", ["agent", "assistant"])
async def test_a_human_decides(tabs: Browser, script: str | None, mode: Mode) -> None:
    """The call is shown with its arguments and waits; "Run it" runs it and shows its result; "No" does not run it."""
    ran: list[Json] = []

    def run(execution: Execution) -> Json:
        ran.append(execution.input)
        return "job 77 has ended"

    turn = [ask("run_job", {"config": "daily"}, run, denied="All right."), say("It ran.")]
    async with opened(tabs, ScriptedKai([turn, turn]), script, mode) as page:
        await send(page, "Run the job")
        call = page.get_by_text('run_job {"config":"daily"}')
        await expect(call).to_be_visible()
        await expect(page.get_by_role("button", name="Run it")).to_be_visible()
        assert ran == []
        await page.get_by_role("button", name="Run it").click()
        await expect(page.get_by_text("It ran.")).to_be_visible()
        assert ran == [{"config": "daily"}]
        await send(page, "Once more")
        await page.get_by_role("button", name="No", exact=True).click()
        await expect(page.get_by_text("All right.")).to_be_visible()
        assert len(ran) == 1


async def test_an_error_is_a_sentence(tabs: Browser, script: str | None) -> None:
    """Kai's refusal is on the page in Kai's words, and the user can try again."""
    async with opened(tabs, ScriptedKai([fail("The quota is used up.", status=429), "Hello."]), script) as page:
        await send(page, "Hi")
        await expect(page.get_by_text("The quota is used up.", exact=True)).to_be_visible()
        await send(page, "Hi")
        await expect(page.get_by_text("Hello.", exact=True)).to_be_visible()
