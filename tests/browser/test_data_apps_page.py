"""What docs/data-apps.md shows is what happens: its Python blocks are pages that run, and its claims about connections hold."""

import re
from collections.abc import Generator
from pathlib import Path

import pytest
from page_parts import button, send
from playwright.sync_api import Browser, Page, expect
from shared_kai import TOKEN, Kai, until
from streamlit_process import PAGE, running_app

from kai_client.server import ask, say

DOCS = Path(__file__).parents[2] / "docs"
TEXT = (DOCS / "data-apps.md").read_text(encoding="utf-8")
LEAST, WITH_APPROVALS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)


@pytest.fixture
def shown(
    request: pytest.FixtureRequest, browser: Browser, kai: Kai, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Generator[Page]:
    """A tab with the page that a block of the text is; it runs beside the files that the text says to copy."""
    script = tmp_path / "page.py"
    script.write_text(request.param, encoding="utf-8")
    (tmp_path / "background_answer.py").write_text(PAGE.with_name("background_answer.py").read_text(encoding="utf-8"))
    (tmp_path / ".streamlit").symlink_to(PAGE.with_name(".streamlit"))
    with running_app(tmp_path, {"STORAGE_API_TOKEN": TOKEN, "STORAGE_API_URL": kai.server.url}, script) as app:
        tab = browser.new_page()
        tab.goto(app.url)
        yield tab
        tab.close()
    log = "".join(app.log)
    assert [word for word in (TOKEN, "Traceback", "Warning") if word in log] == [], log


@pytest.mark.parametrize("shown", [LEAST], indirect=True)
def test_the_least_that_works(shown: Page, kai: Kai) -> None:
    """It streams; the next message is answered at once, and the connection of the other answer closed at its next piece."""
    kai.script.reply("First plum1 and then plum2 and the rest.")
    kai.script.reply("Something else.")
    first = kai.script.hold("plum1")
    kai.script.hold("plum2")
    send(shown, "Tell me a story")
    answer = shown.get_by_test_id("stChatMessage").last
    expect(answer).to_contain_text("First")
    send(shown, "Stop it")
    expect(answer).to_contain_text("Something else.")
    assert "Tell me a story" not in kai.script.left
    first.release()
    until(lambda: "Tell me a story" in kai.script.left)


@pytest.mark.parametrize("shown", [WITH_APPROVALS], indirect=True)
def test_an_answer_that_outlives_the_run(shown: Page, kai: Kai) -> None:
    """The arguments are shown before the click, and the same stream goes on after it; an error is told."""
    kai.script.reply(ask("run_job", {"config": "daily"}, "ok"), say("It ran."))
    kai.script.reply(say("Oh."))
    send(shown, "Run it")
    expect(shown.get_by_test_id("stJson")).to_contain_text('"run_job":{"config":"daily"}')
    button(shown, "Approve").click()
    expect(shown.get_by_test_id("stMarkdown")).to_have_text("It ran.")
    expect(button(shown, "Approve")).to_have_count(0)
    send(shown, "And now?")
    expect(shown.get_by_test_id("stMarkdown")).to_have_text("Oh.")


def test_every_link_leads_somewhere() -> None:
    """Relative links name files that are there, as do the files in the text."""
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", TEXT)
    assert [link for link in links if "://" not in link and not (DOCS / link).exists()] == []
    files = re.findall(r"`(examples/[^`]+)`", TEXT)
    assert len(files) > 4
    assert [name for name in files if not (DOCS.parent / name).exists()] == []
