"""The folder of the configuration, and files in it that are written whole or not at all."""

import os
from pathlib import Path

from kai_client.cli.whole_file import written_beside

__all__ = ["config_folder", "write_whole"]

_PRIVATE = 0o600
_PRIVATE_FOLDER = 0o700


def config_folder() -> Path:
    """`KAI_CONFIG_DIR`, else where this platform keeps such things."""
    if given := os.environ.get("KAI_CONFIG_DIR"):
        return Path(given)
    from platformdirs import user_config_path  # noqa: PLC0415 - only where it decides

    return user_config_path("kai-client", appauthor=False)


def write_whole(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on; a crash leaves the old one. Raises `OSError`.

    A link stays a link: what it points to is replaced.
    """
    path = path.resolve()
    path.parent.mkdir(mode=_PRIVATE_FOLDER, parents=True, exist_ok=True)
    with written_beside(path, text, mode=_PRIVATE) as file:
        file.replace(path)
