"""On which network stacks the tests of this folder run, and the sweep that makes leaks visible."""

import pytest
from leaks import no_leaks
from network_stacks import on_each_stack, on_its_stack, stack

__all__ = ["no_leaks", "on_its_stack", "stack"]

OFFLINE = frozenset(
    {
        "test_random_json",
        "test_recovery",
    }
)
"""What needs no network, or brings its own HTTP client: once is enough."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All other tests of this folder run on both network stacks."""
    on_each_stack(metafunc, but=OFFLINE)
