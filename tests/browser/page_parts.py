"""Where things are on the page, and how it is told."""

import re

from playwright.sync_api import Locator, Page

__all__ = ["answers", "button", "questions", "send"]


def send(page: Page, text: str) -> None:
    """Type and press Enter, as soon as the page takes it."""
    box = page.get_by_placeholder("Ask Kai")
    box.fill(text)
    box.press("Enter")


def answers(page: Page) -> Locator:
    """The bubbles of Kai."""
    return page.get_by_test_id("stChatMessage").filter(has=page.get_by_test_id("stChatMessageAvatarAssistant"))


def questions(page: Page) -> Locator:
    """What the user has said, as it is shown."""
    return page.get_by_test_id("stChatMessage").get_by_test_id("stText")


def button(page: Page, name: str) -> Locator:
    """By its whole label."""
    return page.get_by_role("button", name=re.compile(rf"(^|\s){re.escape(name)}$"))
