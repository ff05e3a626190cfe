"""The page in a real browser: what is asked, written, approved, stopped and broken off."""

import re

import pytest
from conftest import Kai
from playwright.sync_api import Locator, Page, expect
from streamlit_process import App

from kai_client.server import Execution, ask, call, fail, say


def send(page: Page, text: str) -> None:
    """Type and press Enter, as soon as the page takes it."""
    box = page.get_by_placeholder("Ask Kai")
    box.fill(text)
    box.press("Enter")


def answers(page: Page) -> Locator:
    """The bubbles of Kai."""
    return page.get_by_test_id("stChatMessage").filter(has=page.get_by_test_id("stChatMessageAvatarAssistant"))


def button(page: Page, name: str) -> Locator:
    """By its whole label."""
    return page.get_by_role("button", name=re.compile(rf"(^|\s){re.escape(name)}$"))


def test_text_arrives_in_pieces_as_markdown(page: Page, kai: Kai) -> None:
    """The first words are on the page, formatted, while Kai still writes; then come the others."""
    kai.script.reply("**Bread** costs $2, butter $4, `echo $HOME` nothing; jam5 costs more.")
    hold = kai.script.hold("jam5")
    send(page, "What does it cost?")
    answer = answers(page).last
    expect(answer.locator("strong")).to_have_text("Bread")
    expect(answer).to_contain_text("costs $2, butter $4, echo $HOME nothing;")
    expect(answer).not_to_contain_text("jam5")
    hold.release()
    expect(answer).to_contain_text("nothing; jam5 costs more.")
    expect(page.get_by_placeholder("Ask Kai")).to_be_enabled()


@pytest.mark.parametrize("app", ["kai-agent", "kai-assistant"], indirect=True)
def test_the_bar(page: Page, kai: Kai) -> None:
    """A message is sent, text arrives in pieces, a tool is approved after its arguments were read, its result is seen."""
    ran: list[object] = []

    def run(execution: Execution) -> str:
        ran.append(execution.input)
        return "job 77 has ended"

    sql = "SELECT *\nFROM orders"
    kai.script.reply(
        say("Let me see, plum1 that is."), ask("run_job", {"config": "daily", "sql": sql}, run), say("It ran.")
    )
    hold = kai.script.hold("plum1")
    send(page, "Run the daily job")
    answer = answers(page).last
    expect(answer).to_contain_text("Let me see,")
    expect(answer).not_to_contain_text("plum1")
    expect(button(page, "Approve")).to_have_count(0)
    hold.release()

    expect(answer).to_contain_text("Kai asks to run run_job with")
    expect(answer).to_contain_text('"config":"daily"')
    expect(answer).to_contain_text("SELECT *\nFROM orders")
    expect(button(page, "Deny")).to_be_visible()
    assert ran == []
    button(page, "Approve").click()

    expect(answer).to_contain_text("It ran.")
    expect(button(page, "Approve")).to_have_count(0)
    answer.get_by_text("run_job done").click()
    expect(answer).to_contain_text("job 77 has ended")
    assert ran == [{"config": "daily", "sql": sql}]
