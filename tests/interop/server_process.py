"""Programs of other projects as processes of their own: how one talks with them, and how they are told to end."""

from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

START_SECONDS = 30
STOP_SECONDS = 5


@contextmanager
def started(command: Sequence[str | Path]) -> Generator[str]:
    """Yields the base URL of the server that prints `{"port": N}` once it listens, and ends when its input does."""
    with talking(command) as process:
        yield f"http://127.0.0.1:{_announced_port(process)}"


@contextmanager
def talking(command: Sequence[str | Path]) -> Generator[subprocess.Popen[bytes]]:
    """Yields the process, with pipes for its input and output; its input ends with the block, and so does it."""
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            yield process
        finally:
            _stop(process)


def _announced_port(process: subprocess.Popen[bytes]) -> int:
    assert process.stdout is not None
    watchdog = threading.Timer(START_SECONDS, process.kill)
    watchdog.start()
    try:
        line = process.stdout.readline()
    finally:
        watchdog.cancel()
    if not line:
        raise RuntimeError(f"The server ended with {process.wait()} before it listened.")
    port: int = json.loads(line)["port"]
    return port


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Closes the input of the server, which is its signal to end."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
