"""The pytest plugin: a local Kai, offline, and recordings of a real one. See docs/testing.md.

pytest loads it in every run where kai-client is installed, so it loads next to nothing itself: the server (extra `server`)
comes with the first test that asks for it.

    async def test_greeting(kai_server, kai_client):
        kai_server.reply("Hello, Ada!")
        assert await kai_client.chat("I am Ada") == (ANY, "Hello, Ada!")

The marker `kai_server` sets options of `running_server`: `@pytest.mark.kai_server(mode="assistant", quota=1)`. With `replay`,
the path of a recording beside the test module, the server plays it; `pytest --kai-record` makes it.
"""

import importlib.util
import os
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeAlias, cast

import pytest

from kai_client.exceptions import KaiConfigError

from .local import KaiServer, serving

if TYPE_CHECKING:
    from kai_client.client import KaiClient
    from kai_client.sync import KaiClient as SyncKaiClient

__all__ = [
    "kai_client",
    "kai_env",
    "kai_recording_options",
    "kai_server",
    "kai_server_factory",
    "pytest_addoption",
    "pytest_configure",
    "pytest_runtest_call",
    "sync_kai_client",
]

ServerFactory: TypeAlias = Callable[..., KaiServer]

_SERVERS: Final = pytest.StashKey[list[KaiServer]]()
_PASSED: Final = pytest.StashKey[bool]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option that records, and the setting of projects whose tests use the sample project."""
    group = parser.getgroup("kai-client")
    group.addoption(
        "--kai-record",
        action="store_true",
        help="record what tests marked with kai_server(replay=...) play back, from STORAGE_API_URL with STORAGE_API_TOKEN",
    )
    parser.addini(
        "kai_server_sample", "what no test scripted is answered by the sample assistant", "bool", default=False
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers",
        "kai_server(**options): options of kai_client.testing.running_server for the fixture; replay: a recording",
    )


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """A test that passed fails all the same if Kai was asked for something else than it said; one that failed shows that."""
    servers = item.stash.get(_SERVERS, list[KaiServer]())
    try:
        result = yield
    except Exception:
        for server in servers:
            if problems := server.problems():
                item.add_report_section("call", str(server), "\n".join(problems))
        raise
    for server in servers:
        if problems := server.problems():
            pytest.fail("\n".join(problems), pytrace=False)
    item.stash[_PASSED] = True
    return result


@pytest.fixture
def kai_server_factory(request: pytest.FixtureRequest) -> Generator[ServerFactory]:
    """Starts servers that end with the test: `kai_server_factory(mode="assistant")`, with the options of `running_server`."""
    if importlib.util.find_spec("fastapi") is None or importlib.util.find_spec("uvicorn") is None:
        pytest.fail("The fixture kai_server needs the extra `server`: pip install 'kai-client[server]'", pytrace=False)
    servers = request.node.stash.setdefault(_SERVERS, [])
    sample = request.config.getini("kai_server_sample")

    def start(**options: Any) -> KaiServer:
        server = stack.enter_context(serving(**{"sample": sample, **options}))
        servers.append(server)
        return server

    with ExitStack() as stack:
        yield start


@pytest.fixture
def kai_recording_options() -> dict[str, Any]:
    """What `record` is told beside the path, such as `{"hide": ["emails"]}`: for a conftest.py to say."""
    return {}


@pytest.fixture
def kai_server(
    request: pytest.FixtureRequest, kai_server_factory: ServerFactory, kai_recording_options: dict[str, Any]
) -> Generator[KaiServer]:
    """A local server of the test's own, in a thread: works in sync and async tests alike. See `KaiServer`."""
    marker = request.node.get_closest_marker("kai_server")
    options: dict[str, Any] = dict(marker.kwargs) if marker is not None else {}
    replay = options.pop("replay", None)
    if replay is None:
        yield kai_server_factory(**options)
        return
    path = request.path.parent / replay
    if request.config.getoption("--kai-record"):
        with _recorded(request, path, kai_recording_options) as server:
            yield server
        return
    server = kai_server_factory(**options)
    try:
        server.replay(path, redact=kai_recording_options.get("redact"))
    except KaiConfigError as error:
        why = f"{error.message} with pytest --kai-record"
    else:
        yield server
        return
    pytest.fail(why, pytrace=False)


def _recorded(request: pytest.FixtureRequest, path: Path, options: dict[str, Any]) -> AbstractContextManager[KaiServer]:
    """The real Kai, by way of a proxy; written when the test has passed."""
    from .session import record  # noqa: PLC0415 - see the module's docstring

    missing = [name for name in ("STORAGE_API_URL", "STORAGE_API_TOKEN") if not os.environ.get(name)]
    if missing:
        pytest.fail(f"--kai-record needs {' and '.join(missing)} in the environment", pytrace=False)
    return record(
        os.environ["STORAGE_API_URL"],
        path,
        token=os.environ["STORAGE_API_TOKEN"],
        wanted=lambda: request.node.stash.get(_PASSED, False),
        **options,
    )


@pytest.fixture
def kai_env(kai_server: KaiServer, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The environment in which `KaiClient.from_env()` finds `kai_server`, set for this test and the programs that it starts."""
    for name in ("KAI_BASE_URL", "KAI_SERVICE", "WORKSPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    for name, value in kai_server.env.items():
        monkeypatch.setenv(name, value)
    return kai_server.env


@pytest.fixture
def sync_kai_client(kai_server: KaiServer) -> "Generator[SyncKaiClient]":
    """A `kai_client.sync.KaiClient` that found `kai_server` through discovery; closed after the test."""
    with kai_server.sync_client() as client:
        yield client


def _async_fixture() -> Callable[..., Any]:
    """pytest-asyncio's decorator, which it wants in its strict mode; without it the anyio plugin runs async fixtures."""
    if importlib.util.find_spec("pytest_asyncio") is None:
        return pytest.fixture
    import pytest_asyncio  # noqa: PLC0415 - only where there is one

    return cast("Callable[..., Any]", pytest_asyncio.fixture)


@_async_fixture()
async def kai_client(kai_server: KaiServer) -> "AsyncGenerator[KaiClient]":
    """A `KaiClient` that found `kai_server` through discovery; closed after the test."""
    async with kai_server.client() as client:
        yield client
