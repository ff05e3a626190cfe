"""URLs and header values: everything that a caller's string must pass before it goes on the wire."""

import unicodedata
from ipaddress import ip_address
from typing import Final
from urllib.parse import quote, urlsplit

from kai_client.exceptions import KaiConfigError

_STORAGE_SUFFIX: Final = "/v2/storage"


def path_segment(value: str, name: str) -> str:
    """`value` percent-encoded as one path segment. Raises as `checked_id` does."""
    return quote(checked_id(value, name), safe="")


def checked_id(value: str, name: str) -> str:
    """`value` if it can be an id: any printable text.

    Raises `TypeError` for what is no string, `ValueError` for the empty one, `.` and `..` (a server would take them for
    steps in the path) and control characters.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - callers are not all type-checked
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    if not value or value in {".", ".."}:
        raise ValueError(f"{name} must be a usable id, not {value!r}")
    if any(unicodedata.category(char) in {"Cc", "Cs"} for char in value):
        raise ValueError(f"{name} must not contain control characters or lone surrogates")
    return value


def header_value(value: str, name: str) -> str:
    """`value` as a header can carry it, without surrounding white space.

    Raises `KaiConfigError`, without quoting the value, for one that is empty or could break out of its header.
    """
    if not isinstance(value, str):  # pyright: ignore[reportUnnecessaryIsInstance] - as above
        raise TypeError(f"{name} must be a string, not {type(value).__name__}")
    stripped = value.strip()
    if not stripped:
        raise KaiConfigError(f"{name} is empty", code="config:invalid")
    if not (stripped.isascii() and stripped.isprintable()):
        raise KaiConfigError(f"{name} contains characters that no header can carry", code="config:invalid")
    return stripped


def base_url(value: str, name: str) -> str:
    """An absolute http(s) URL without its trailing slash. Raises `KaiConfigError` for anything else."""
    url = header_value(value, name).rstrip("/")
    try:
        parts = urlsplit(url)
        valid = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0 and " " not in url
        # A path is appended; and a password in a URL would show up in every text that names it.
        valid = valid and not (parts.query or parts.fragment or "@" in parts.netloc)
    except ValueError:
        valid = False
    if not valid:
        raise KaiConfigError(f"{name} must be a URL such as https://connection.keboola.com", code="config:invalid")
    return url


def storage_root(value: str) -> str:
    """The Storage API's root: no trailing slash, no `/v2/storage`, which platform variables sometimes carry (protocol 1.1)."""
    return base_url(base_url(value, "storage_api_url").removesuffix(_STORAGE_SUFFIX), "storage_api_url")


def is_loopback(url: str) -> bool:
    """Whether `url` stays on this machine."""
    host = (urlsplit(url).hostname or "").rstrip(".")
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_encrypted(url: str) -> bool:
    """Whether what goes to `url` goes through TLS."""
    return urlsplit(url).scheme == "https"


def is_safe_for_token(url: str) -> bool:
    """Whether a token may go to a URL that somebody else named: encrypted, or on this machine."""
    return is_encrypted(url) or is_loopback(url)
