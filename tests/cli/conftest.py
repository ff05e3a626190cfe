"""`kai` as a fixture, and what stands around it."""

from collections.abc import Generator
from pathlib import Path

import pytest
from cli_canned import Canned, canned_backend, time_zone
from cli_runs import Kai

from kai_client.testing import KaiServer


@pytest.fixture
def kai(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kai:
    """The command, without a server, in a folder of its own."""
    monkeypatch.chdir(tmp_path)
    return Kai(tmp_path)


@pytest.fixture
def kai_at_server(kai: Kai, kai_server: KaiServer) -> Kai:
    """The command, at the local server."""
    return kai.at(kai_server.url)


@pytest.fixture
def backend() -> Generator[Canned]:
    """A backend that has nothing yet."""
    with canned_backend() as canned:
        yield canned


@pytest.fixture
def utc() -> Generator[None]:
    """Moments are shown as UTC has them."""
    with time_zone("UTC"):
        yield
