"""A Streamlit server with the example page, as a process of its own."""

import os
import re
import subprocess
import sys
from collections.abc import Generator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from threading import Thread

__all__ = ["OURS", "PAGE", "App", "running_app"]

PAGE = Path(__file__).parents[2] / "examples" / "streamlit_app.py"
OURS = ("STORAGE_API_TOKEN", "STORAGE_API_URL", "KAI_BASE_URL", "KAI_SERVICE", "WORKSPACE_ID", "KBC_TOKEN", "KBC_URL")
START_SECONDS = 60
STOP_SECONDS = 20
_URL = re.compile(r"^\s*URL: (http://\S+)")


@dataclass
class App:
    """A running page."""

    url: str
    log: list[str] = field(default_factory=list[str])
    """What the process has written, a line each; complete after it has ended."""


@contextmanager
def running_app(folder: Path, env: Mapping[str, str], page: Path = PAGE, *options: str) -> Generator[App]:
    """The page, with `env` for its only settings, started in `folder`; it must end by itself when it is told to."""
    # With a Kai elsewhere the page has no event loop of its own; Streamlit leaves that of a run which it stops open.
    ignored = ("-W", "ignore:unclosed event loop:ResourceWarning") if "STORAGE_API_URL" in env else ()
    command = (
        sys.executable,
        "-W",
        "always::ResourceWarning",
        *ignored,
        "-m",
        "streamlit",
        "run",
        page,
        "--server.headless=true",
    )
    process = subprocess.Popen(
        [*command, "--server.port=0", "--server.address=127.0.0.1", *options],
        cwd=folder,
        env={**{name: value for name, value in os.environ.items() if name not in OURS}, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    log: list[str] = []
    url: Future[str] = Future()
    reader = Thread(target=_read, args=(process, log, url))
    reader.start()
    try:
        yield App(url.result(START_SECONDS), log)
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        finally:
            process.kill()
            reader.join()
            process.wait()


def _read(process: subprocess.Popen[str], log: list[str], url: Future[str]) -> None:
    assert process.stdout is not None
    with process.stdout as lines:
        for line in lines:
            log.append(line)
            if (found := _URL.match(line)) and not url.done():
                url.set_result(found[1])
    if not url.done():
        url.set_exception(RuntimeError(f"Streamlit did not start: {''.join(log)}"))
