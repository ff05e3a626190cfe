"""Which network stack a client uses."""

from typing import Any

import httpx
import pytest
from wire_server import TOKEN, wire_server

from kai_client import KaiClient, KaiConfigError

STORAGE = "https://connection.keboola.com"


@pytest.fixture
def used(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The connections that were made by httpx's own stack: it makes them through anyio."""
    import anyio  # noqa: PLC0415

    calls: list[str] = []
    connect = anyio.connect_tcp

    async def counted(*args: Any, **options: Any) -> Any:
        calls.append("httpx")
        return await connect(*args, **options)

    monkeypatch.setattr(anyio, "connect_tcp", counted)
    return calls


@pytest.mark.parametrize(
    ("transport", "variable", "chosen"),
    [
        pytest.param(None, None, "asyncio", id="default"),
        pytest.param(None, "", "asyncio", id="an empty variable"),
        pytest.param(None, "httpx", "httpx", id="variable"),
        pytest.param(None, " HttpX ", "httpx", id="a variable written by hand"),
        pytest.param("httpx", "asyncio", "httpx", id="the argument wins"),
        pytest.param("asyncio", "httpx", "asyncio", id="the argument wins, the other way round"),
        pytest.param("httpx", "carrier-pigeon", "httpx", id="the argument wins over nonsense"),
    ],
)
async def test_the_choice(
    transport: Any, variable: str | None, chosen: str, used: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Argument, variable, asyncio's, in this order."""
    monkeypatch.delenv("KAI_TRANSPORT", raising=False)
    if variable is not None:
        monkeypatch.setenv("KAI_TRANSPORT", variable)
    async with wire_server() as server, KaiClient(TOKEN, STORAGE, server.url, transport=transport) as client:
        assert (await client.get_usage()).messages_used == 1
    assert used == (["httpx"] if chosen == "httpx" else [])


@pytest.mark.parametrize("make", [KaiClient, KaiClient.from_storage_api])
def test_an_unknown_argument(make: Any) -> None:
    """A `ValueError` that names the choices."""
    with pytest.raises(ValueError, match="transport must be 'asyncio' or 'httpx', not 'curl'"):
        make(TOKEN, STORAGE, transport="curl")


def test_an_unknown_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    """A `KaiConfigError` that names the choices and the variable."""
    monkeypatch.setenv("KAI_TRANSPORT", "curl")
    with pytest.raises(KaiConfigError, match="KAI_TRANSPORT must be 'asyncio' or 'httpx', not 'curl'") as caught:
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
