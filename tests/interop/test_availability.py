"""A test that cannot run says why; where it has to run it fails."""

import pytest
from availability import require


def test_reason_skips(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a counterpart the test is skipped, for the reason that is given."""
    monkeypatch.delenv("KAI_REQUIRE_INTEROP", raising=False)
    with pytest.raises(pytest.skip.Exception, match="No Node here"):
        require("No Node here.")


def test_reason_fails_where_interop_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    """With `KAI_REQUIRE_INTEROP=1` the same reason fails the test."""
    monkeypatch.setenv("KAI_REQUIRE_INTEROP", "1")
    with pytest.raises(pytest.fail.Exception, match="No Node here"):
        require("No Node here.")


@pytest.mark.parametrize("required", ["0", "1"])
def test_no_reason_neither_skips_nor_fails(required: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is available is used."""
    monkeypatch.setenv("KAI_REQUIRE_INTEROP", required)
    require(None)
