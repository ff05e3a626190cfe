"""A test that needs a browser says why it cannot run; where it has to run it fails."""

from pathlib import Path

import pytest
from chromium import require_browser


@pytest.fixture(autouse=True)
def no_browser(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A system without any."""
    monkeypatch.setenv("PATH", str(tmp_path))


def test_no_browser_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a Chromium the test is skipped, with what to install."""
    monkeypatch.delenv("KAI_REQUIRE_BROWSER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="apt-get install chromium"):
        require_browser()


def test_no_browser_fails_where_one_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `KAI_REQUIRE_BROWSER=1` the same reason fails the test."""
    monkeypatch.setenv("KAI_REQUIRE_BROWSER", "1")
    with pytest.raises(pytest.fail.Exception, match="apt-get install chromium"):
        require_browser()
