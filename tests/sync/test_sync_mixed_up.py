"""The two clients have the same names: what belongs to the other one is refused before anything is sent."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx
import pytest

import kai_client
from kai_client import sync
from kai_client.testing.local import KaiServer

TOKEN = "some-token"
BUCKET = "Create a bucket called demo"
CLIENTS: list[Any] = [kai_client.KaiClient, sync.KaiClient]


@pytest.mark.parametrize("kind", CLIENTS, ids=["async", "blocking"])
def test_an_http_client_of_the_other_kind(kind: Any) -> None:
    """The error names the class that would do; nothing is retried, as if it were the network."""
    wrong: Any = httpx.Client if kind is kai_client.KaiClient else httpx.AsyncClient
    right = "AsyncClient" if kind is kai_client.KaiClient else "Client"
    for make in (kind, kind.from_storage_api):
        with pytest.raises(TypeError, match=rf"must be an httpx\.{right};"):
            make(TOKEN, "https://connection.keboola.com", http_client=wrong())


def toolbox(kind: Any) -> Any:
    """Tools that nobody can start by mistake."""
    tools = kind()

    def look(number: int) -> int:
        return number

    tools.tool(look)
    return tools


@pytest.mark.parametrize(
    ("kind", "tools"),
    [
        (kai_client.KaiClient, sync.Toolbox),
        (sync.KaiClient, kai_client.Toolbox),
        *((kind, other) for kind in CLIENTS for other in (list, dict)),
    ],
)
def test_tools_of_the_other_kind(kind: Any, tools: Any, kai_server: KaiServer) -> None:
    """Neither the message is sent nor a tool run; so it is with what is no toolbox at all."""
    client = kind(TOKEN, kai_server.url, kai_server.url)
    given = toolbox(tools) if tools.__name__ == "Toolbox" else tools([(1, 2)])
    with pytest.raises(TypeError, match=r"^tools "):
        client.run(client.new_chat_id(), BUCKET, tools=given)
    assert kai_server.requests == []


def test_an_async_policy(kai_server: KaiServer) -> None:
    """Nobody can await it: a coroutine function is refused at once."""

    async def policy(_: object) -> bool:
        return True

    given: Any = policy
    with sync.KaiClient(TOKEN, kai_server.url, kai_server.url) as client, pytest.raises(TypeError, match="async"):
        client.run(client.new_chat_id(), BUCKET, approve=given)
    assert kai_server.requests == []


@contextmanager
def blocking_lifespan() -> Generator[None]:
    """For `kai_client.sync`."""
    yield


@asynccontextmanager
async def async_lifespan() -> AsyncGenerator[None]:
    """For `kai_client`."""
    yield


async def test_a_lifespan_of_the_other_kind() -> None:
    """The error says which context manager is wanted, and the toolbox is as it was before."""
    blocking_one: Any = blocking_lifespan
    tools = kai_client.Toolbox(blocking_one)
    for _ in range(2):
        with pytest.raises(TypeError, match="return an async context manager, not a _GeneratorContextManager"):
            await tools.__aenter__()
    async_one: Any = async_lifespan
    blocking = sync.Toolbox(async_one)
    for _ in range(2):
        with pytest.raises(TypeError, match="return a context manager, not a _AsyncGeneratorContextManager"):
            blocking.__enter__()
