"""Secrets out of text, however they are written in it: as they are, escaped, percent-encoded, in base64, in hex."""

import base64
import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final
from urllib.parse import unquote

__all__ = ["REDACTED", "SECRET_HEADERS", "SHORTEST_SECRET", "secrets_in", "without"]

SECRET_HEADERS: Final = frozenset(
    {"x-storageapi-token", "authorization", "cookie", "proxy-authorization", "set-cookie"}
)
REDACTED: Final = "***"
SHORTEST_SECRET: Final = 4
"""What is shorter is a test's token, and part of many words."""

_NAMED: Final = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}


def secrets_in(headers: Iterable[tuple[str, str]]) -> set[str]:
    """The secrets among header values by name; of `Bearer abc` the second word, since texts quote it alone."""
    values = {value for name, value in headers if name.lower() in SECRET_HEADERS}
    return {value.rpartition(" ")[2].strip() for value in values} | {value.strip() for value in values}


def without(secrets: Iterable[str], text: str) -> str:
    """`text` with every secret replaced by `***`. Secrets of less than four characters stay."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= SHORTEST_SECRET:
            text = _pattern(secret).sub(REDACTED, text)
    return text


@lru_cache(maxsize=32)
def _pattern(secret: str) -> re.Pattern[str]:
    encoded = secret.encode()
    read = unquote(secret)  # what a server makes of a path
    ways = {
        secret,
        read if len(read) >= SHORTEST_SECRET else secret,
        encoded.hex(),
        encoded.hex().upper(),
        *_base64(encoded),
    }
    return re.compile("|".join(_written(way) for way in sorted(ways, key=len, reverse=True)))


def _base64(secret: bytes) -> Iterable[str]:
    """What is always there of the secret's base64, for each of its three places among other bytes, in both alphabets."""
    for before in range(3):
        text = base64.b64encode(bytes(before) + secret + bytes(3)).decode()
        core = text[-(-before * 8 // 6) : (before + len(secret)) * 8 // 6]
        yield core
        yield core.replace("+", "-").replace("/", "_")


def _written(text: str) -> str:
    """A pattern for `text`, each character as it is or escaped: for JSON, JavaScript, URLs and HTML, also more than once."""
    return "".join(_character(char) for char in text)


def _character(char: str) -> str:
    code = f"{ord(char):x}"
    byte = f"{ord(char):02x}"
    ways = [
        rf"\\*{re.escape(char)}" if not char.isalnum() else re.escape(char),
        rf"%(?:25)*(?i:{byte})",
        rf"\\+(?:u00|x|u\{{0*)(?i:{byte})\}}?",
        rf"&(?:amp;)*#(?:0*{ord(char)}|[xX]0*(?i:{code}));",
    ]
    if char in _NAMED:
        ways.append(f"&(?:amp;)*{_NAMED[char]};")
    return f"(?:{'|'.join(ways)})"
