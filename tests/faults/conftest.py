"""Import paths of this folder's helpers, and the sweep that makes leaks visible."""

import gc
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from network_stacks import on_each_stack, on_its_stack, stack

__all__ = ["on_its_stack", "stack"]

OFFLINE = frozenset(
    {
        "test_random_json",
        "test_recovery",
    }
)
"""What needs no network, or brings its own HTTP client: once is enough."""

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module", autouse=True)
def no_leaks() -> Generator[None]:
    """What a module's tests dropped without closing it warns here at the latest, and warnings are errors."""
    yield
    gc.collect()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """All other tests of this folder run on both network stacks."""
    on_each_stack(metafunc, but=OFFLINE)
