"""The browser of the tests: the system's own Chromium, which the Debian package `chromium` brings."""

import os
import shutil
from collections.abc import Generator
from contextlib import contextmanager
from typing import TypedDict

import pytest
from playwright.sync_api import Browser, sync_playwright

__all__ = ["launching", "require_browser", "running_browser"]

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    "--disable-dev-shm-usage",  # containers have a small one
    "--no-sandbox",  # root may not use it
)


class Launching(TypedDict):
    """How Playwright launches it."""

    executable_path: str | None
    args: list[str]


def launching() -> Launching:
    """The keywords for `launch`, of either of Playwright's interfaces."""
    return {"executable_path": _path(), "args": [*_ARGUMENTS]}


def _path() -> str | None:
    return next(filter(None, map(shutil.which, _NAMES)), None)


def require_browser() -> None:
    """Skips the test where there is no Chromium, or fails it with `KAI_REQUIRE_BROWSER=1` (`.ci/run` sets it)."""
    if _path() is not None:
        return
    reason = "There is no Chromium here: apt-get install chromium"
    if os.environ.get("KAI_REQUIRE_BROWSER") == "1":
        pytest.fail(f"Needed because KAI_REQUIRE_BROWSER=1. {reason}", pytrace=False)
    pytest.skip(reason)


@contextmanager
def running_browser() -> Generator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as driver:
        browser = driver.chromium.launch(**launching())
        try:
            yield browser
        finally:
            browser.close()
