"""Takes docs/streamlit.png, the picture of the chat page: examples/streamlit_app.py over its own local server, in a real Chromium.

Run: uv run --group dev python scripts/take_screenshot.py          needs the Debian package chromium
"""

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, ViewportSize, expect

ROOT = Path(__file__).parents[1]
PICTURE = ROOT / "docs" / "streamlit.png"
SIZE: ViewportSize = {"width": 1100, "height": 1060}
EARLIER = ("How many customers are there?", "Tell me about this project.")
"""Chats of the history."""
CONVERSATION = ("How many orders per country?", "Create a bucket called reports")

sys.path.insert(0, str(ROOT / "tests" / "shared"))  # where the browser and the page are started


def ask(page: Page, text: str) -> None:
    """Type, and wait until the answer is over or asks."""
    page.get_by_placeholder("Ask Kai").fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_test_id("stText").last).to_have_text(text)
    expect(page.get_by_role("button", name="Stop")).to_have_count(0)


def take(page: Page) -> None:
    """A chat with a tool call that ran, and one that waits."""
    for text in EARLIER:
        ask(page, text)
        page.get_by_role("button", name="New chat").click()
    for text in CONVERSATION:
        ask(page, text)
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    page.mouse.move(SIZE["width"] / 2, 10)
    page.wait_for_load_state("networkidle")
    page.screenshot(path=PICTURE, animations="disabled")


def main() -> None:
    """The picture, from nothing."""
    from chromium import running_browser  # noqa: PLC0415 - found by the path above
    from streamlit_process import running_app  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as folder, running_app(Path(folder), {}) as app, running_browser() as browser:
        page = browser.new_page(viewport=SIZE)
        page.goto(app.url)
        take(page)
    print(f"{PICTURE}: {PICTURE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
