"""Fresh environments that a wheel is installed in, away from the repository, and what is run in them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[1]
PYPROJECT = ROOT / "pyproject.toml"

Versions = Literal["locked", "lowest", "newest"]
"""Which dependencies are installed: those of uv.lock, the lowest that pyproject.toml allows, or the newest that it allows."""


def run(*command: str | Path, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a command, whatever comes of it, in an environment that leads to no package."""
    leading = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT", "UV_FROZEN")
    env = {name: value for name, value in os.environ.items() if name not in leading}
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)


def uv(*arguments: str | Path) -> str:
    """What uv printed; its own message and the end of the script where it fails."""
    done = run(os.environ.get("UV") or shutil.which("uv") or "uv", *arguments)
    if done.returncode != 0:
        sys.exit(f"uv {' '.join(map(str, arguments))}\n{done.stderr}")
    return done.stdout


@dataclass(frozen=True)
class Environment:
    """A virtual environment with the wheel in it."""

    path: Path

    @property
    def scripts(self) -> Path:
        """Where its programs are."""
        return self.path / ("Scripts" if sys.platform == "win32" else "bin")

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.scripts / ("python.exe" if sys.platform == "win32" else "python")

    def rooms(self) -> dict[str, tuple[str, str] | None]:
        """What came of importing each public room: None, or the error. The package must be the installed one."""
        # -I: neither the folder of the script nor that of the process is looked in; a warning is an error.
        done = run(self.python, "-I", "-W", "error", ROOT / "scripts" / "dist_rooms.py", cwd=self.path)
        if done.returncode != 0:
            sys.exit(f"{self.path.name}: {done.stderr}")
        outcomes: dict[str, tuple[str, str] | None]
        outcomes, found = json.loads(done.stdout)
        if "site-packages" not in Path(found).parts or not Path(found).is_relative_to(self.path):
            sys.exit(f"{self.path.name}: kai_client came from {found}")
        return outcomes


def environment(
    path: Path, wheel: Path, extras: Sequence[str], versions: Versions, *, tests: bool = False
) -> Environment:
    """Make an environment and install the wheel with these extras, and the tools of the tests beside it."""
    made = Environment(path)
    uv("venv", "--quiet", "--python", sys.executable, path)
    pins = path / "constraints.txt"
    pins.write_text(constraints(versions), encoding="utf-8")
    names = f"[{','.join(extras)}]" if extras else ""
    tools = ["--group", f"{PYPROJECT}:test", "pytest"] if tests else []
    what = [*tools, f"kai-client{names} @ {wheel.as_uri()}"]
    uv("pip", "install", "--quiet", "--python", made.python, "--constraint", pins, *what)
    return made


def constraints(versions: Versions) -> str:
    """What pip calls a constraints file: the versions of whatever comes to be installed."""
    if versions == "newest":
        return ""
    if versions == "lowest":
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        lowest = ["--resolution", "lowest-direct", "--python-version", python]
        return uv("pip", "compile", "--quiet", "--no-annotate", "--no-header", "--all-extras", *lowest, PYPROJECT)
    everything = ["--all-extras", "--group", "local", "--group", "test", "--no-emit-project"]
    return uv("export", "--quiet", "--frozen", "--no-hashes", "--no-annotate", "--no-header", *everything)


def versions_of(environment: Environment, names: Sequence[str]) -> Mapping[str, str]:
    """The installed versions of some distributions."""
    listed: list[dict[str, str]] = json.loads(
        uv("pip", "list", "--quiet", "--format", "json", "--python", environment.python)
    )
    return {entry["name"]: entry["version"] for entry in listed if entry["name"] in names}
