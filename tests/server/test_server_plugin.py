"""The pytest plugin: its fixtures here, and in projects that configure pytest in other ways."""

import json
import subprocess
import sys
import threading
import urllib.request
from pathlib import Path

import pytest

from kai_client.client import KaiClient
from kai_client.exceptions import KaiStreamError
from kai_client.server import ScriptedKai, say
from kai_client.testing import KaiServer, running_server


async def test_a_conversation_in_five_lines(kai_server: KaiServer, kai_client: KaiClient) -> None:
    """Script an answer, ask, look at what was sent"""
    kai_server.kai.reply(say("Hello, Ada!"))
    chat_id, text = await kai_client.chat("I am Ada")
    assert text == "Hello, Ada!"
    sent = kai_server.requests[-1].body
    assert isinstance(sent, dict)
    assert sent["id"] == chat_id


async def test_faults_in_one_line(kai_server: KaiServer, kai_client: KaiClient) -> None:
    """The next stream breaks, the one after it does not"""
    kai_server.next_stream(drop_after=3)
    with pytest.raises(KaiStreamError):
        await kai_client.chat("hello")
    await kai_client.chat("hello")


@pytest.mark.kai_server(mode="assistant", script=["Scripted."], quota=1)
async def test_options_by_marker(kai_server: KaiServer, kai_client: KaiClient) -> None:
    """The marker sets options of the backend and of the app"""
    assert kai_client.backend == "kai-assistant"
    assert (await kai_client.chat("go"))[1] == "Scripted."
    assert (await kai_client.get_usage()).messages_limit == 1


def test_a_sync_test_can_use_it(kai_server: KaiServer) -> None:
    """The server is in a thread of its own: no event loop is needed"""
    with urllib.request.urlopen(f"{kai_server.url}/ping", timeout=5) as response:
        assert "timestamp" in json.load(response)


def test_nothing_is_left_running() -> None:
    """The thread ends with the block, even while a stream is open"""
    before = set(threading.enumerate())
    with running_server(ScriptedKai(), tokens=["t"]) as server:
        its_own = set(threading.enumerate()) - before
        assert its_own
        assert repr(server) == f"<KaiServer {server.url}>"
    assert not its_own & set(threading.enumerate())


def test_a_server_that_cannot_start_raises() -> None:
    """What keeps the server from starting reaches the test"""
    with pytest.raises(TypeError, match="unknown_option"), running_server(unknown_option=1):
        pass


SUITE = """
import pytest

def test_sync(kai_server):
    assert kai_server.url.startswith("http://127.0.0.1:")

{mark}
async def test_async(kai_server, kai_client):
    kai_server.kai.reply("Hi")
    assert (await kai_client.chat("go"))[1] == "Hi"
"""

LOOP_SCOPE = ["-o", "asyncio_default_fixture_loop_scope=function"]  # unset, pytest-asyncio itself warns

PROJECTS = {
    "asyncio strict": ("@pytest.mark.asyncio", ["-o", "asyncio_mode=strict", *LOOP_SCOPE], 2),
    "asyncio auto": ("", ["-o", "asyncio_mode=auto", *LOOP_SCOPE], 2),
    "no asyncio plugin": ("@pytest.mark.skip", ["-p", "no:asyncio"], 1),
    "no other plugin": ("@pytest.mark.skip", ["-p", "no:asyncio", "-p", "no:anyio", "-p", "no:timeout"], 1),
}


@pytest.mark.parametrize("project", PROJECTS)
def test_in_other_projects(project: str, tmp_path: Path) -> None:
    """The fixtures work with pytest-asyncio in both modes, the sync one without it; warnings are errors"""
    mark, options, passed = PROJECTS[project]
    (tmp_path / "test_it.py").write_text(SUITE.format(mark=mark))
    command = [sys.executable, "-m", "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *options, "test_it.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert f"{passed} passed" in result.stdout, result.stdout + result.stderr


def test_the_plugin_loads_no_server() -> None:
    """A pytest run that does not use the fixtures imports neither FastAPI nor uvicorn"""
    code = "import sys, kai_client.testing.plugin; print({'fastapi', 'uvicorn', 'starlette'} & set(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert result.stdout.strip() == "set()"


def test_without_the_extra_the_fixture_says_what_to_install(tmp_path: Path) -> None:
    """Where FastAPI is missing, the test fails with one sentence; other tests run"""
    (tmp_path / "conftest.py").write_text(
        "import importlib.util\n"
        "found = importlib.util.find_spec\n"
        "importlib.util.find_spec = lambda name, *rest: None if name == 'fastapi' else found(name, *rest)\n"
    )
    (tmp_path / "test_it.py").write_text("def test_it(kai_server): pass\ndef test_other(): pass\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_it.py"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert "pip install 'kai-client[server]'" in result.stdout
    assert "1 passed" in result.stdout
