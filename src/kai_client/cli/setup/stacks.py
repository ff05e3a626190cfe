"""Keboola's stacks by short names, and URLs as people write them (protocol 1.3)."""

from typing import Final
from urllib.parse import urlsplit

from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.exceptions import KaiConfigError
from kai_client.transport import storage_root
from kai_client.transport.urls import is_loopback

from .stack_names import ALIASES, STACKS

__all__ = ["stack_name", "stack_url"]

_BROWSER_PATH: Final = "/admin"
"""Where the user interface lives: what is copied from the address bar begins so."""


def stack_url(value: str) -> str:
    """The Storage API's root for a stack name, a bare host, or a URL, even one from the address bar.

    A host without a scheme gets https, this machine's own http. Raises `Failure` for what is neither.
    """
    name = value.strip().lower()
    if known := STACKS.get(ALIASES.get(name, name)):
        return known
    url = value.strip()
    if "://" not in url:
        if not {".", ":"} & set(url) and url.lower() != "localhost":
            raise Failure(f"No stack {value!r}: pass a URL, or one of {', '.join(STACKS)}", ExitCode.USAGE)
        url = f"{'http' if is_loopback(f'http://{url}') else 'https'}://{url}"
    try:
        parts = urlsplit(url)
        if parts.path == _BROWSER_PATH or parts.path.startswith(f"{_BROWSER_PATH}/"):
            url = f"{parts.scheme}://{parts.netloc}"
        return storage_root(url)
    except (KaiConfigError, ValueError) as error:
        raise Failure(
            f"No Storage API URL: {value!r}; it looks like https://connection.keboola.com, or is one of {', '.join(STACKS)}",
            ExitCode.USAGE,
        ) from error


def stack_name(url: str) -> str:
    """The short name of a known stack, else the host."""
    return next((name for name, known in STACKS.items() if known == url), urlsplit(url).netloc)
