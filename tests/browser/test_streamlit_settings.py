"""Where the page finds its Kai: nowhere, in a Data App's variables, in Streamlit's secrets."""

from pathlib import Path

import pytest
from page_parts import answers, button, send
from playwright.sync_api import Browser, Page, expect
from shared_kai import TOKEN, Kai
from streamlit_process import running_app


@pytest.fixture
def tab(browser: Browser) -> Page:
    """An empty tab."""
    return browser.new_page()


def test_without_settings_it_is_a_local_server(tab: Page, tmp_path: Path) -> None:
    """The page answers without any account, says so, and asks before something is created."""
    with running_app(tmp_path, {}) as app:
        tab.goto(app.url)
        expect(tab.get_by_test_id("stSidebar")).to_contain_text("A local server plays Kai.")
        send(tab, "Which tables do I have?")
        expect(answers(tab).last.get_by_role("table")).to_contain_text("in.c-crm.customers")
        send(tab, "Create a bucket called sandbox")
        expect(answers(tab).last).to_contain_text('Kai asks to run create_bucket with{"name":"sandbox"}')
        button(tab, "Approve").click()
        expect(answers(tab).last).to_contain_text("I created the bucket in.c-sandbox.")
        # The run is over: Streamlit leaves the loop of one that it stops open.
        expect(tab.get_by_test_id("stFeedback")).to_have_count(2)
    log = "".join(app.log)
    assert [word for word in ("Traceback", "Warning") if word in log] == [], log


def test_secrets_with_the_names_of_a_data_app(tab: Page, kai: Kai, tmp_path: Path) -> None:
    """`KBC_TOKEN` and `KBC_URL` in secrets.toml are enough; the token is neither on the page nor in the log."""
    secrets = tmp_path / ".streamlit" / "secrets.toml"
    secrets.parent.mkdir()
    secrets.write_text(f'KBC_TOKEN = "{TOKEN}"\nKBC_URL = "{kai.server.url}"\n', encoding="utf-8")
    with running_app(tmp_path, {}) as app:
        tab.goto(app.url)
        send(tab, "What can you do?")
        expect(answers(tab).last).to_contain_text("I am the local stand-in for Kai")
        expect(tab.get_by_test_id("stSidebar")).not_to_contain_text("A local server plays Kai.")
        assert kai.asked() == ["What can you do?"]
        assert TOKEN not in tab.content()
    log = "".join(app.log)
    assert [word for word in (TOKEN, "Traceback", "Warning") if word in log] == [], log


def test_half_of_the_settings_is_a_sentence(tab: Page, tmp_path: Path) -> None:
    """Who has set a token but no URL is told so, and does not talk to a local server by mistake."""
    with running_app(tmp_path, {"STORAGE_API_TOKEN": TOKEN}) as app:
        tab.goto(app.url)
        expected = "Set STORAGE_API_URL in the environment. Correct the settings and start the app again."
        expect(tab.get_by_role("alert")).to_have_text(expected)
        expect(tab.get_by_placeholder("Ask Kai")).to_have_count(0)
        assert TOKEN not in tab.content()
    log = "".join(app.log)
    assert [word for word in (TOKEN, "Traceback", "Warning") if word in log] == [], log
