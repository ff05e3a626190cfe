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


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All other tests of this folder run on both network stacks."""
    on_each_stack(metafunc, but=OFFLINE)
