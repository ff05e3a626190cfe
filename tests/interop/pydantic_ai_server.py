"""Runs the server whose streams are made by pydantic-ai's `VercelAIAdapter` (`pydantic_ai_app.py`)."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from server_process import started

APP = Path(__file__).with_name("pydantic_ai_app.py")
NEEDED = ("pydantic_ai", "starlette", "uvicorn")


@contextmanager
def running() -> Generator[str]:
    """Yields the base URL of a server of its own; `{base}/v6/text` is one for a Kai client."""
    # A process of its own keeps its telemetry, its event loop and its warnings, which are errors there, too, out of ours.
    with started([sys.executable, "-W", "error", APP]) as url:
        yield url


def unavailable() -> str | None:
    """Says in one sentence why `running()` cannot work; `None` when it can."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    return f"Not installed: {', '.join(missing)}." if missing else None
