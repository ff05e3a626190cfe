"""The independent servers, one of each per run of the tests."""

from collections.abc import Generator

import node_server
import pydantic_ai_server
import pytest
from ai_sdk import Exchanges
from availability import require
from pydantic_ai_chats import Runs


@pytest.fixture(scope="session")
def ai_sdk_url() -> Generator[str]:
    """The Node server whose streams the real AI SDK makes: `{url}/{major}/{scenario}` is a base URL for a client."""
    require(node_server.unavailable())
    with node_server.running() as url:
        yield url


@pytest.fixture(scope="session")
def exchanges(ai_sdk_url: str) -> Exchanges:
    """One exchange with every scenario, had when it is first asked for."""
    return Exchanges(ai_sdk_url)


@pytest.fixture(scope="session")
def pydantic_ai_url() -> Generator[str]:
    """The server whose streams pydantic-ai makes: `{url}/{version}/{scenario}` is a base URL for a client."""
    require(pydantic_ai_server.unavailable())
    with pydantic_ai_server.running() as url:
        yield url


@pytest.fixture(scope="session")
def runs(pydantic_ai_url: str) -> Runs:
    """One run of every agent, had when it is first asked for."""
    return Runs(pydantic_ai_url)
