"""Who is asked, as attributes: names and places, never a path or a query, which may say more."""

import re
from typing import Final
from urllib.parse import unquote, urlsplit

from . import names

__all__ = ["chat_id_of", "peer", "template"]

_PORTS: Final = {"http": 80, "https": 443}
_CHAT: Final = re.compile(r"(/api/chat/)([^/]+)")


def peer(url: str) -> dict[str, str | int]:
    """Host and port of a URL; the subject of one that is `nats:`."""
    parts = urlsplit(url)
    if parts.scheme == "nats":
        return {names.MESSAGING_SYSTEM: "nats", names.MESSAGING_DESTINATION: parts.path}
    port = parts.port or _PORTS.get(parts.scheme)
    return {names.SERVER_ADDRESS: parts.hostname or "", **({names.SERVER_PORT: port} if port else {})}


def template(path: str) -> str:
    """A path without the ids in it, of which there is no end."""
    return _CHAT.sub(r"\1{id}", path)


def chat_id_of(path: str) -> str | None:
    """The chat that a path is about."""
    found = _CHAT.match(path)
    return unquote(found[2]) if found else None
