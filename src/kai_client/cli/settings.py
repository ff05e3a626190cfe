"""The global options as they were given, and where each came from; `access` adds what a profile says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from click import UsageError

if TYPE_CHECKING:
    from .setup.access import Access

__all__ = ["ENV_FILE", "VARIABLES", "Settings", "Source", "env_file_values"]

ENV_FILE: Final = ".env.local"

VARIABLES: Final = {
    "token": "STORAGE_API_TOKEN",
    "url": "STORAGE_API_URL",
    "base_url": "KAI_BASE_URL",
    "service": "KAI_SERVICE",
    "workspace_id": "WORKSPACE_ID",
}
"""Option -> environment variable."""


class Source(StrEnum):
    """Where a value came from; the first that has one wins."""

    COMMAND_LINE = "the command line"
    ENVIRONMENT = "the environment"
    ENV_FILE = "--env-file"
    FOLDER = ".env.local"
    PROFILE = "the profile"


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which Kai, and as whom, as the options say it. The token shows up in no `repr`."""

    token: str | None = field(default=None, repr=False)
    url: str | None = None
    base_url: str | None = None
    service: str | None = None
    workspace_id: str | None = None
    profile: str | None = None
    local: bool = False
    db: Path | None = None
    timeout: float | None = None
    """Seconds without a sign of life; None: those of `KaiClient`."""
    max_time: float | None = None
    """Seconds for a request or an answer, all in all."""
    attempts: int | None = None
    debug: bool = False
    sources: Mapping[str, Source] = field(default_factory=dict[str, Source])
    """Option -> where its value came from."""

    @cached_property
    def access(self) -> "Access":
        """These with what the profile adds: read when a command needs it, once. Raises `Failure`."""
        from .setup.access import resolve  # noqa: PLC0415 - `kai --help` reads no profile

        return resolve(self)

    @property
    def secret(self) -> str | None:
        """The token as it travels, which no output may show."""
        return _travelling(self.token if self.local else self.access.token)

    @property
    def known_secret(self) -> str | None:
        """`secret`, as far as it is known by now: what was not read yet is in no text."""
        access: Access | None = self.__dict__.get("access")  # where `cached_property` keeps it
        return _travelling(self.token if access is None else access.token)


def _travelling(token: str | None) -> str | None:
    return (token or "").strip() or None


def env_file_values(path: Path) -> dict[str, str]:
    """What a file of variables says about the options, by option.

    Only the variables of `VARIABLES` are read and the process's environment stays as it is: a file that came with a
    checkout must not be able to set, say, a proxy. Raises `UsageError` for a file that cannot be read.
    """
    from dotenv import dotenv_values  # noqa: PLC0415 - only where there is such a file

    try:
        with path.open(encoding="utf-8") as file:  # dotenv itself takes a file that is not there for an empty one
            values = dotenv_values(stream=file)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"Cannot read {path}: {reason}") from error
    return {option: value for option, name in VARIABLES.items() if (value := values.get(name))}
