"""Processes of their own: the servers, and Python modules that measure themselves in a fresh interpreter."""

import contextlib
import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path
from typing import Any

__all__ = ["fresh", "serving"]

_ROOT = Path(__file__).parent.parent


@contextlib.contextmanager
def serving(module: str = "server") -> Generator[str]:
    """The URL of a benchmark server, which ends with the block, and with this process in any case."""
    command = [sys.executable, "-m", f"benchmarks.{module}"]
    with subprocess.Popen(command, cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("pipes were asked for")
        try:
            port = process.stdout.readline().strip()
            if not port:
                raise RuntimeError(f"the server {module} did not start")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.stdin.close()
            process.wait(timeout=30)


def fresh(module: str, *arguments: str) -> dict[str, Any]:
    """What `python -m benchmarks.MODULE` prints, as JSON. Raises `CalledProcessError` when it fails."""
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    printed = subprocess.run(command, cwd=_ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
    return dict(json.loads(printed))
