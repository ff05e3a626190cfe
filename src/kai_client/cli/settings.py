"""The global options, and where else their values come from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from click import UsageError

__all__ = ["ENV_FILE", "VARIABLES", "Settings", "env_file_values"]

ENV_FILE: Final = ".env.local"

VARIABLES: Final = {
    "token": "STORAGE_API_TOKEN",
    "url": "STORAGE_API_URL",
    "base_url": "KAI_BASE_URL",
    "service": "KAI_SERVICE",
    "workspace_id": "WORKSPACE_ID",
}
"""Option -> environment variable."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Which Kai, and as whom. The token shows up in no `repr`."""

    token: str | None = field(default=None, repr=False)
    url: str | None = None
    base_url: str | None = None
    service: str | None = None
    workspace_id: str | None = None
    local: bool = False
    db: Path | None = None
    debug: bool = False

    @property
    def secret(self) -> str | None:
        """The token as it travels, which no output may show."""
        return (self.token or "").strip() or None


def env_file_values(folder: Path) -> dict[str, str]:
    """What `.env.local` in `folder` says about the options, by option; nothing where there is no such file.

    Only the variables of `VARIABLES` are read and the process's environment stays as it is: a file that came with a
    checkout must not be able to set, say, a proxy. Raises `UsageError` for a file that cannot be read.
    """
    path = folder / ENV_FILE
    if not path.is_file():
        return {}
    from dotenv import dotenv_values  # noqa: PLC0415 - only where there is such a file

    try:
        values = dotenv_values(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise UsageError(f"Cannot read {path.name}: {reason}") from error
    return {option: value for option, name in VARIABLES.items() if (value := values.get(name))}
