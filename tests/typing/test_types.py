"""The types of the package, as mypy and pyright see them: each checker runs on its own, as a user's would."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USAGE = Path(__file__).with_name("typed_usage.py")


def checked(*command: str) -> subprocess.CompletedProcess[str]:
    """Run a checker of this environment from the root of the repository, where its settings are."""
    return subprocess.run([sys.executable, "-m", *command], cwd=ROOT, capture_output=True, text=True, check=False)


def test_mypy() -> None:
    """mypy, strict, narrows events and finds the errors that are to be found, and no other."""
    pytest.importorskip("mypy")
    result = checked("mypy", "--strict", "--warn-unused-ignores", str(USAGE))
    assert result.returncode == 0, result.stdout + result.stderr


def test_pyright() -> None:
    """pyright, strict, narrows events and finds the errors that are to be found, and no other."""
    pytest.importorskip("pyright")
    result = checked("pyright", "--pythonpath", sys.executable, str(USAGE))
    assert result.returncode == 0, result.stdout + result.stderr


def test_pyright_verifytypes() -> None:
    """Every public symbol of the package has a known type: 100 % type completeness."""
    pytest.importorskip("pyright")
    result = checked("pyright", "--pythonpath", sys.executable, "--verifytypes", "kai_client", "--ignoreexternal")
    score = re.search(r"Type completeness score: ([\d.]+)%", result.stdout)
    assert score is not None, result.stdout + result.stderr
    assert (score[1], result.returncode) == ("100", 0), "\n".join(causes(result.stdout))


def causes(report: str) -> list[str]:
    """The lines of a report that name a cause: "partially unknown" only says that one of these is somewhere below."""
    lines = [line.strip() for line in report.splitlines() if " error: " in line or " warning: " in line]
    return [line for line in lines if "partially unknown" not in line] or lines
