"""What becomes of a test whose counterpart cannot be had: it skips, unless it is not allowed to."""

from __future__ import annotations

import os

import pytest


def require(reason: str | None) -> None:
    """Skips the test for `reason`, or fails it where `KAI_REQUIRE_INTEROP` is 1 (`.ci/run` sets it); None is no reason."""
    if reason is None:
        return
    if os.environ.get("KAI_REQUIRE_INTEROP") == "1":
        pytest.fail(f"Needed because KAI_REQUIRE_INTEROP=1. {reason}", pytrace=False)
    pytest.skip(reason)
