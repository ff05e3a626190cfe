"""Import paths of this folder's helpers, and the sweep that makes leaks visible."""

import gc
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="module", autouse=True)
def no_leaks() -> Generator[None]:
    """What a module's tests dropped without closing it warns here at the latest, and warnings are errors."""
    yield
    gc.collect()
