"""Which network stack a client uses, and what it needs for that."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
from wire_server import TOKEN, usage, wire_server

from kai_client import KaiClient, KaiConfigError, KaiError

STORAGE = "https://connection.keboola.com"
SCRIPT = """
import asyncio, sys
from kai_client import KaiClient, KaiError

async def main():
    client = KaiClient("some-token", "https://x.test", sys.argv[1], transport=sys.argv[2] or None)
    print("aiohttp" in sys.modules)
    try:
        await client.get_usage()
    except KaiError as error:
        print(repr(error.code), error)
    print("aiohttp" in sys.modules)

asyncio.run(main())
"""
"""Says whether aiohttp is there before and after the first request; the client is not closed."""


async def _said(transport: str | None = None, **environment: str) -> list[str]:
    """What the script says, without a word on stderr."""
    env = {name: value for name, value in os.environ.items() if name != "KAI_TRANSPORT"} | environment
    async with wire_server(usage) as server:
        command = [sys.executable, "-c", SCRIPT, server.url, transport or ""]
        process = await asyncio.create_subprocess_exec(
            *command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env
        )
        out, err = await process.communicate()
    assert err.decode() == ""
    return out.decode().splitlines()


@pytest.mark.parametrize(
    ("transport", "variable", "used"),
    [
        pytest.param(None, None, "aiohttp", id="default"),
        pytest.param(None, "", "aiohttp", id="an empty variable"),
        pytest.param(None, "httpx", "httpx", id="variable"),
        pytest.param(None, " AioHTTP ", "aiohttp", id="a variable written by hand"),
        pytest.param("httpx", "aiohttp", "httpx", id="the argument wins"),
        pytest.param("aiohttp", "httpx", "aiohttp", id="the argument wins, the other way round"),
        pytest.param("httpx", "carrier-pigeon", "httpx", id="the argument wins over nonsense"),
    ],
)
async def test_the_choice(transport: str | None, variable: str | None, used: str) -> None:
    """Argument, variable, what is installed, in this order; aiohttp is imported for the first request, and only if used."""
    environment = {} if variable is None else {"KAI_TRANSPORT": variable}
    assert await _said(transport, **environment) == ["False", str(used == "aiohttp")]


@pytest.mark.parametrize("make", [KaiClient, KaiClient.from_storage_api])
def test_an_unknown_argument(make: Any) -> None:
    """A `ValueError` that names the choices."""
    with pytest.raises(ValueError, match="transport must be 'httpx' or 'aiohttp', not 'curl'"):
        make(TOKEN, STORAGE, transport="curl")


def test_an_unknown_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `KaiConfigError` that names the choices and the variable."""
    monkeypatch.setenv("KAI_TRANSPORT", "curl")
    with pytest.raises(KaiConfigError, match="KAI_TRANSPORT must be 'httpx' or 'aiohttp', not 'curl'") as caught:
        KaiClient(TOKEN, STORAGE)
    assert (caught.value.code or "").startswith("config:")


def test_from_env_takes_a_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the other constructors do."""
    monkeypatch.setenv("STORAGE_API_TOKEN", TOKEN)
    monkeypatch.setenv("STORAGE_API_URL", STORAGE)
    with pytest.raises(ValueError, match="transport must be"):
        KaiClient.from_env(transport="curl")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


async def test_a_given_http_client_has_its_own_transport(monkeypatch: pytest.MonkeyPatch) -> None:
    """Naming another beside it is a `ValueError`; the variable is nobody's business then."""
    async with httpx.AsyncClient() as http:
        with pytest.raises(ValueError, match="exclude each other"):
            KaiClient(TOKEN, STORAGE, http_client=http, transport="httpx")
        monkeypatch.setenv("KAI_TRANSPORT", "curl")
        async with wire_server() as server, KaiClient(TOKEN, STORAGE, server.url, http_client=http) as client:
            assert (await client.get_usage()).messages_used == 1
            await http.aclose()


async def test_without_aiohttp(monkeypatch: pytest.MonkeyPatch) -> None:
    """Httpx's own stack serves, unless aiohttp was asked for: then a `KaiConfigError` says what to install."""
    monkeypatch.setitem(sys.modules, "aiohttp", None)
    monkeypatch.delenv("KAI_TRANSPORT", raising=False)
    async with wire_server() as server, KaiClient(TOKEN, STORAGE, server.url) as client:
        assert (await client.get_usage()).messages_used == 1
    with pytest.raises(KaiConfigError, match=r'pip install "kai-client\[fast\]"') as caught:
        KaiClient(TOKEN, STORAGE, transport="aiohttp")
    assert caught.value.code == "config:transport_missing"
    monkeypatch.setenv("KAI_TRANSPORT", "aiohttp")
    with pytest.raises(KaiError):
        KaiClient(TOKEN, STORAGE)


async def test_an_aiohttp_that_is_too_old(tmp_path: Path) -> None:
    """It is as good as none, and whoever asked for it is told so by the first request."""
    package = tmp_path / "aiohttp"
    package.mkdir()
    (package / "__init__.py").write_text('__version__ = "3.9.5"\n')
    assert await _said(PYTHONPATH=str(tmp_path)) == ["False", "True"]
    _, error, _ = await _said("aiohttp", PYTHONPATH=str(tmp_path))
    assert error.startswith("'config:transport_missing'")
    assert "aiohttp 3.9.5 is too old" in error
    assert 'pip install "kai-client[fast]"' in error
