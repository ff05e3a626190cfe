"""The published scripts, as their users test them: with mocks of httpx's network."""

import pytest


@pytest.fixture(autouse=True)
def httpx_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """What mocks httpx's network needs a client that uses it."""
    monkeypatch.setenv("KAI_TRANSPORT", "httpx")
