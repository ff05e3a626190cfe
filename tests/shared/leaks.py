"""The sweep that makes leaks visible, for whichever `conftest.py` imports it."""

import gc
from collections.abc import Generator

import pytest

__all__ = ["no_leaks"]


@pytest.fixture(scope="module", autouse=True)
def no_leaks() -> Generator[None]:
    """What a module's tests dropped without closing it warns here at the latest, and warnings are errors."""
    yield
    gc.collect()
