"""On which network stacks the tests of this folder run."""

import pytest
from network_stacks import on_each_stack, on_its_stack, stack

__all__ = ["on_its_stack", "stack"]

OFFLINE = frozenset(
    {
        "test_stream_looking",
    }
)
"""What needs no network, or brings its own HTTP client: once is enough."""


ASYNC_ONLY: dict[str, str] = {
    "test_stream_looking": "brings an async HTTP client",
    "test_from_env_names_everything_that_is_missing": "is about what is raised before anything is awaited",
}
"""What does not run on the blocking client, and why."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All other tests of this folder run on both network stacks."""
    on_each_stack(metafunc, but=OFFLINE, async_only=ASYNC_ONLY)
