"""The check of the workflows finds what it is there to find."""

import pytest
from check_workflows import FOLDER, permission_faults, pin_faults

COMMIT = "0123456789abcdef0123456789abcdef01234567"
GOOD = """
permissions: {}

jobs:
  publish:
    timeout-minutes: 5
    environment: pypi
    permissions:
      id-token: write
"""


@pytest.mark.parametrize(
    ("uses", "count"),
    [
        (f"owner/action@{COMMIT} # v1.2.3", 0),
        (f"owner/action/inner@{COMMIT} # 4", 0),
        ("./.github/actions/ours", 0),
        (f"owner/action@{COMMIT}", 1),
        (f"owner/action@{COMMIT[:12]} # v1.2.3", 1),
        ("owner/action@v4 # v4", 1),
        ("owner/action@main", 1),
        ("docker://image:latest # v1", 1),
    ],
)
def test_pinned(uses: str, count: int) -> None:
    """Only a full commit with the version behind it is pinned; a tag or a branch is whatever its owner says tomorrow."""
    assert len(list(pin_faults(f"steps:\n  - uses: {uses}\n"))) == count
    assert len(list(pin_faults(f"steps:\n  - name: x\n    uses: {uses}\n"))) == count


@pytest.mark.parametrize(
    ("old", "new", "count"),
    [
        ("", "", 0),
        ("permissions: {}", "permissions: read-all", 1),
        ("    timeout-minutes: 5\n", "", 1),
        ("    environment: pypi\n", "", 1),
        ("      id-token: write", "    steps:\n      - uses: actions/checkout@v4", 1),
    ],
)
def test_permissions(old: str, new: str, count: int) -> None:
    """No permissions by default, a limit for every job, an identity only where it is published, no token left behind."""
    assert len(list(permission_faults(GOOD.replace(old, new)))) == count


def test_a_release_needs_no_password() -> None:
    """The job that publishes proves who it is, and it is the only one that may."""
    texts = {path.name: path.read_text(encoding="utf-8") for path in (FOLDER / "workflows").glob("*.yml")}
    assert [name for name, text in texts.items() if "id-token: write" in text] == ["release.yml"]
    assert "--trusted-publishing always" in texts["release.yml"]
    assert not [name for name, text in texts.items() if "secrets." in text]
