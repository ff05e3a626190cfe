"""The global options, and where else they can stand."""

from pathlib import Path

import pytest
from cli_runs import TOKEN, Kai

from kai_client import __version__
from kai_client.testing import KaiServer


def write_env_file(folder: Path, **values: str) -> None:
    """Write `.env.local`."""
    (folder / ".env.local").write_text("".join(f"{name}={value}\n" for name, value in values.items()))


@pytest.mark.kai_server(tokens=[TOKEN])
def test_options_can_stand_in_the_environment(kai: Kai, kai_server: KaiServer) -> None:
    """The documented variables are the options."""
    there = kai.having(
        STORAGE_API_TOKEN=TOKEN, STORAGE_API_URL=kai_server.url, KAI_SERVICE="kai-assistant", WORKSPACE_ID="42"
    )
    assert "Service: kai-assistant\n" in there("info").out
    assert there("history").code == 0
    assert kai_server.requests[-1].headers["x-workspace-id"] == "42"


@pytest.mark.kai_server(tokens=[TOKEN])
def test_options_can_stand_in_a_file(kai: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """`.env.local` in the current folder says what neither the command line nor the environment does."""
    write_env_file(tmp_path, STORAGE_API_TOKEN=TOKEN, STORAGE_API_URL=kai_server.url, KAI_SERVICE="kai-assistant")
    assert kai("history").code == 0
    assert "Service: kai-agent\n" in kai.having(KAI_SERVICE="kai-agent")("info").out
    assert kai("--token", "another", "history").code == 3


def test_the_file_changes_nothing_else(kai: Kai, kai_server: KaiServer, tmp_path: Path) -> None:
    """A file that came with a folder cannot send the token through a proxy."""
    write_env_file(tmp_path, STORAGE_API_TOKEN=TOKEN, HTTP_PROXY="http://127.0.0.1:9", ALL_PROXY="http://127.0.0.1:9")
    assert kai("--url", kai_server.url, "history").code == 0


def test_a_file_that_cannot_be_read(kai: Kai, tmp_path: Path) -> None:
    """A file that is no text is a usage error, not a traceback."""
    (tmp_path / ".env.local").write_bytes(b"\xff\xfe")
    run = kai("ping")
    assert run.code == 2
    assert run.err.endswith("Error: Cannot read .env.local: it is not UTF-8 text\n")


def test_local_never_sees_the_token(kai: Kai) -> None:
    """With --local what is set for the real Kai does not matter, not even if it is wrong."""
    there = kai.having("--local", STORAGE_API_TOKEN="\u00e9", STORAGE_API_URL="nonsense", KAI_BASE_URL="nonsense")
    assert there("ping").code == 0


def test_the_version(kai: Kai) -> None:
    """--version names the program and its version."""
    assert kai("--version").out == f"kai, version {__version__}\n"


@pytest.mark.parametrize("missing", ["click", "rich", "fastapi"])
def test_a_missing_extra_is_named(kai: Kai, kai_server: KaiServer, missing: str) -> None:
    """Without a library one line says what to install."""
    code = (
        "import sys, importlib.util as u; find = u.find_spec\n"
        f"sys.modules[{missing!r}] = None; u.find_spec = lambda name: None if name == {missing!r} else find(name)\n"
        "from kai_client.cli import main; main()"
    )
    args = ["--local", "ping"] if missing == "fastapi" else ["--token", TOKEN, "--url", kai_server.url, "history"]
    run = kai.python("-c", code, *args)
    if missing == "rich":  # a table is drawn on a terminal only
        assert run.code == 0
    else:
        assert run.code == 1
        assert 'pip install "kai-client[' in run.err
        assert "Traceback" not in run.err


def test_debug_tells_where(kai: Kai) -> None:
    """--debug adds the causes, without the token."""
    run = kai.at("http://127.0.0.1:9", "--debug").process("ping")
    assert run.code == 5
    assert "httpx.ConnectError" in run.err
    assert run.err.splitlines()[-1].endswith("check the URL, the network and the proxy settings")
    assert TOKEN not in run.err
