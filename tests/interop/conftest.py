"""The independent servers, one of each per run of the tests."""

from collections.abc import Generator

import node_server
import pydantic_ai_server
import pytest
import use_chat
from ai_sdk import Exchanges
from availability import require
from network_stacks import Stack, on_each_stack, on_its_stack, stack
from pydantic_ai_chats import Runs

__all__ = ["on_its_stack", "stack"]

OFFLINE = frozenset(
    {
        "test_ai_sdk_leaving",
        "test_backend_pages",
        "test_availability",
        "test_reducer_conformance",
        "test_reducer_robustness",
        "test_ui_frames",
        "test_use_chat",
        "test_use_chat_approvals",
        "test_recordings_of_others",
    }
)
"""What needs no network, or brings its own HTTP client: once is enough."""


ASYNC_ONLY: dict[str, str] = {
    **dict.fromkeys(OFFLINE, "has no client, or brings its own"),
    "test_ai_sdk_bytes": "reads bytes, without a client",
}
"""What does not run on the blocking client, and why."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All other tests of this folder run on both network stacks, and on the blocking client."""
    on_each_stack(metafunc, but=OFFLINE, async_only=ASYNC_ONLY)


@pytest.fixture(scope="session")
def ai_sdk_url() -> Generator[str]:
    """The Node server whose streams the real AI SDK makes: `{url}/{major}/{scenario}` is a base URL for a client."""
    require(node_server.unavailable())
    with node_server.running() as url:
        yield url


@pytest.fixture(scope="session")
def browser() -> Generator[use_chat.Browser]:
    """Pages with the real `useChat`, of both majors."""
    require(node_server.unavailable())
    with use_chat.running() as browser:
        yield browser


@pytest.fixture(scope="session")
def exchanges(ai_sdk_url: str, stack: Stack) -> Exchanges:
    """One exchange with every scenario on a stack, had when it is first asked for."""
    return Exchanges(ai_sdk_url)


@pytest.fixture(scope="session")
def pydantic_ai_url() -> Generator[str]:
    """The server whose streams pydantic-ai makes: `{url}/{version}/{scenario}` is a base URL for a client."""
    require(pydantic_ai_server.unavailable())
    with pydantic_ai_server.running() as url:
        yield url


@pytest.fixture(scope="session")
def runs(pydantic_ai_url: str, stack: Stack) -> Runs:
    """One run of every agent on a stack, had when it is first asked for."""
    return Runs(pydantic_ai_url)
