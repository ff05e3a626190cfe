"""Running the real command, away from the environment of whoever runs the tests."""

import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from click import Command
from click.testing import CliRunner

from kai_client.cli import main
from kai_client.cli.settings import VARIABLES

TOKEN = "123-secret-token"

_DEVELOPERS = {
    *VARIABLES.values(),
    *("KAI_PROFILE", "KAI_ENV_FILE", "KAI_LOG", "NO_COLOR", "FORCE_COLOR", "PYTHONUNBUFFERED"),
    *(
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "NO_PROXY",
        "no_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    ),
}


@dataclass(frozen=True)
class Run:
    """What a run of `kai` left behind."""

    code: int
    out: str
    err: str

    @property
    def chat_id(self) -> str:
        """The id of the chat, as stderr names it."""
        found = re.search(r"^chat (\S+)$", self.err, re.MULTILINE)
        assert found is not None, self.err
        return found[1]


@dataclass(frozen=True)
class Kai:
    """`kai` in an empty folder, with these options before the command.

    Calling it runs it to its end without a terminal, in this process, which is quick; `process` and `start` run the
    program itself, for what only a program has: signals, pipes, an interpreter that starts.
    """

    folder: Path
    options: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict[str, str])

    def at(self, url: str, *options: str) -> "Kai":
        """The same, for a server."""
        return replace(self, options=("--token", TOKEN, "--url", url, *options))

    def having(self, *options: str, **env: str) -> "Kai":
        """The same, with these options and environment variables too."""
        return replace(self, options=(*self.options, *options), env={**self.env, **env})

    def __call__(self, *args: str, stdin: str | bytes = "") -> Run:
        """Run it in this process, whose current folder is the command's, too."""
        assert isinstance(main, Command)
        env = {**dict.fromkeys(_DEVELOPERS), **self._own_env}
        result = CliRunner(env=env).invoke(main, [*self.options, *args], input=stdin, prog_name="kai")
        assert isinstance(result.exception, SystemExit | None), result.exception
        return Run(result.exit_code, result.stdout, result.stderr)

    def process(self, *args: str) -> Run:
        """Run the program."""
        return self.python(*self.command(*args)[1:])

    def python(self, *args: str) -> Run:
        """Run Python in the same surroundings."""
        done = subprocess.run(
            [sys.executable, *args],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.folder,
            env=self.environment,
            check=False,
        )
        return Run(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(
        self, *args: str, stdin: int = subprocess.DEVNULL, stdout: int | IO[Any] = subprocess.PIPE
    ) -> subprocess.Popen[bytes]:
        """Start the program, and leave it running."""
        return subprocess.Popen(
            self.command(*args),
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            cwd=self.folder,
            env=self.environment,
        )

    def command(self, *args: str) -> Sequence[str]:
        """The command line; a warning is an error there, too."""
        return [sys.executable, "-W", "error", "-m", "kai_client.cli", *self.options, *args]

    @property
    def environment(self) -> dict[str, str]:
        """The environment, without what the developer's machine says about Kai."""
        return {name: value for name, value in os.environ.items() if name not in _DEVELOPERS} | self._own_env

    @property
    def _own_env(self) -> dict[str, str]:
        """No test reads or writes the user's configuration and keyring."""
        config = str(self.folder / "kai-config")
        return {
            "KAI_CONFIG_DIR": config,
            "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
            **self.env,
        }
