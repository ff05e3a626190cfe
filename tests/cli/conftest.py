"""`kai` as a fixture."""

from pathlib import Path

import pytest
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
