"""How much `import kai_client` costs over `import httpx, pydantic`, in whole processes."""

import subprocess
import sys

from .processes import medians
from .report import Bar, Report, Table

__all__ = ["measure"]

_BARE = "pass"
_THEIRS = "import httpx, pydantic"
_OURS = "import kai_client"
_THEIRS_USED = "import httpx; from pydantic import BaseModel"
_OURS_USED = "from kai_client import KaiClient"
_UNWANTED = ("click", "rich", "fastapi", "uvicorn", "starlette")
_MOST = 1.15


def _imported() -> list[str]:
    """Which of the extras' packages the import brings along; it must not."""
    probe = f"import sys, kai_client; print(*[name for name in {_UNWANTED!r} if name in sys.modules])"
    return subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.split()


def measure(rounds: int) -> Report:
    """The imports alone, and with the names in hand, over the bare interpreter."""
    taken = medians({code: ["-c", code] for code in (_BARE, _THEIRS, _OURS, _THEIRS_USED, _OURS_USED)}, rounds)
    more = {code: seconds - taken[_BARE] for code, seconds in taken.items() if code != _BARE}
    unwanted = _imported()
    compared = {_THEIRS: _THEIRS, _OURS: _THEIRS, _THEIRS_USED: _THEIRS_USED, _OURS_USED: _THEIRS_USED}
    rows = [
        (f"`{code}`", f"{more[code] * 1e3:.1f}", f"{more[code] / more[other]:.2f}") for code, other in compared.items()
    ]
    notes = [f"over the bare interpreter, median of {rounds}", f"extras imported: {', '.join(unwanted) or 'none'}"]
    bars = [
        Bar(f"{_OURS} / {_THEIRS}", more[_OURS] / more[_THEIRS], _MOST),
        Bar(f"{_OURS}: extras imported", len(unwanted), 0),
    ]
    return Report([Table("import: what it takes", ("code", "ms", "ratio"), rows, notes)], bars)
