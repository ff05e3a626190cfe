"""How long to wait, for what, by name."""

import math
from dataclasses import dataclass, fields, replace
from typing import Final, TypeAlias

import httpx

__all__ = ["TimeoutTypes", "Timeouts"]

_CONNECT_SECONDS: Final = 30.0


@dataclass(frozen=True, kw_only=True)
class Timeouts:
    """Seconds to wait; None waits for ever.

    `connect` for a connection; `pool` for a free one where the HTTP client has only so many; `idle` for the next byte of
    an answer, any byte, a comment's or a header's too; `total` for the whole call, over all attempts, a stream to its end;
    `grace` for more data after an answer was declared over: usage may follow `finish`, and some servers then keep the
    connection open. Raises `ValueError` or `TypeError` for anything but positive numbers and None.
    """

    connect: float | None = _CONNECT_SECONDS
    pool: float | None = _CONNECT_SECONDS
    idle: float | None = 300.0
    total: float | None = None
    grace: float = 5.0

    def __post_init__(self) -> None:
        for each in fields(self):
            checked_seconds(getattr(self, each.name), each.name, optional=each.name != "grace")

    @classmethod
    def of(cls, value: "TimeoutTypes", name: str) -> "Timeouts":
        """The timeouts that a plain number stands for, as in the published interface: each wait, but no total."""
        if isinstance(value, Timeouts):
            return value
        checked_seconds(value, name)
        short = _CONNECT_SECONDS if value is None else min(value, _CONNECT_SECONDS)
        return cls(connect=short, pool=short, idle=value)

    def at_most(self, seconds: float) -> "Timeouts":
        """These, but no wait and no total longer than `seconds`."""
        waits = {each.name: getattr(self, each.name) for each in fields(self)}
        capped = {name: seconds if value is None else min(value, seconds) for name, value in waits.items()}
        return replace(self, **capped)

    def for_httpx(self) -> httpx.Timeout:
        """What of them httpx can enforce."""
        return httpx.Timeout(connect=self.connect, pool=self.pool, read=self.idle, write=self.idle)


TimeoutTypes: TypeAlias = float | Timeouts | None
"""What is accepted for a timeout: a number of seconds, `Timeouts`, or None."""


def checked_seconds(value: float | None, name: str, *, optional: bool = True) -> None:
    """Raise `TypeError` or `ValueError` for what is no duration."""
    if value is None and optional:
        return
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(
            f"{name} must be a number of seconds{' or None' if optional else ''}, not {type(value).__name__}"
        )
    if not value > 0 or math.isinf(value):
        raise ValueError(f"{name} must be a positive number of seconds, not {value}")
