"""The pytest plugin: fixtures `kai_server` and `kai_client`, offline.

pytest loads it in every run where kai-client is installed, so it loads next to nothing itself: the server (extra `server`)
comes with the first test that asks for it.

    async def test_greeting(kai_server, kai_client):
        kai_server.kai.reply("Hello, Ada!")
        assert await kai_client.chat("I am Ada") == (ANY, "Hello, Ada!")

The marker `kai_server` sets options of `ScriptedKai` and `kai_app`: `@pytest.mark.kai_server(mode="assistant", quota=1)`.
"""

import importlib.util
from collections.abc import AsyncGenerator, Callable, Generator
from typing import TYPE_CHECKING, Any, Final, cast

import pytest

if TYPE_CHECKING:
    from kai_client.client import KaiClient

    from .local import KaiServer

__all__ = ["kai_client", "kai_server", "pytest_configure"]

_APP_OPTIONS: Final = frozenset({"mode", "tokens", "style", "index", "record"})

TOKEN: Final = "test-token"  # noqa: S105 - any token will do


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line(
        "markers", "kai_server(**options): options of ScriptedKai and kai_app for the fixture kai_server"
    )


@pytest.fixture
def kai_server(request: pytest.FixtureRequest) -> "Generator[KaiServer]":
    """A local server of the test's own, in a thread: works in sync and async tests alike. See `KaiServer`."""
    if importlib.util.find_spec("fastapi") is None or importlib.util.find_spec("uvicorn") is None:
        pytest.fail("The fixture kai_server needs the extra `server`: pip install 'kai-client[server]'", pytrace=False)
    from kai_client.server import ScriptedKai  # noqa: PLC0415 - see the module's docstring

    from .local import running_server  # noqa: PLC0415

    marker = request.node.get_closest_marker("kai_server")
    options: dict[str, Any] = dict(marker.kwargs) if marker is not None else {}
    for_app = {name: options.pop(name) for name in _APP_OPTIONS & options.keys()}
    with running_server(ScriptedKai(**options), **for_app) as server:
        yield server


def _async_fixture() -> Callable[..., Any]:
    """pytest-asyncio's decorator, which it wants in its strict mode; without it the anyio plugin runs async fixtures."""
    if importlib.util.find_spec("pytest_asyncio") is None:
        return pytest.fixture
    import pytest_asyncio  # noqa: PLC0415 - only where there is one

    return cast("Callable[..., Any]", pytest_asyncio.fixture)


@_async_fixture()
async def kai_client(kai_server: "KaiServer") -> "AsyncGenerator[KaiClient]":
    """A `KaiClient` that found `kai_server` through discovery; closed after the test."""
    from kai_client.client import KaiClient  # noqa: PLC0415 - see the module's docstring

    async with KaiClient.from_storage_api(storage_api_token=TOKEN, storage_api_url=kai_server.url) as client:
        yield client
