"""How much is read of what anybody may send."""

from dataclasses import dataclass, fields
from typing import Final

__all__ = ["Limits"]

_MIB: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Bytes that are read before giving up with an error that names the limit.

    `event_bytes` for one event of a stream, `json_bytes` for a JSON answer, `error_bytes` for the body of an error, of which
    the rest is ignored; all of them count what is decompressed. `connections` is how many the client opens at once: each
    open stream holds one, and an approval needs another beside it.
    """

    event_bytes: int = 64 * _MIB
    json_bytes: int = 64 * _MIB
    error_bytes: int = 64 * 1024
    connections: int = 1000

    def __post_init__(self) -> None:
        for each in fields(self):
            value: object = getattr(self, each.name)
            if isinstance(value, bool) or not isinstance(value, int):
                raise TypeError(f"{each.name} must be an int, not {type(value).__name__}")
            if value < 1:
                raise ValueError(f"{each.name} must be at least 1, not {value}")
