"""When a failed attempt may be made again.

Anything that only reads, or that sets what it names, may be repeated: GET, PATCH, DELETE. A POST may only where it provably was
not processed: the connection never came to be, or the answer says when to come back (429 or 503 with `Retry-After`).
"""

from dataclasses import dataclass
from typing import Final, Protocol

from kai_client.exceptions import KaiError

from .timeouts import checked_seconds

__all__ = ["RetryDetails", "RetryHook", "RetryPolicy"]

NEVER_SENT: Final = frozenset({"connection:failed", "timeout:connect", "timeout:pool"})
"""Codes of failures before the request was on its way."""

_LOST: Final = "connection:lost"
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PATCH", "PUT", "DELETE"})
COME_BACK: Final = frozenset({429, 503})
_SERVER_TROUBLE: Final = frozenset({500, 502, 503, 504})


@dataclass(frozen=True)
class RetryDetails:
    """What a hook is told: the attempt that failed (the first is 1), why, and the seconds until the next."""

    attempt: int
    error: KaiError
    wait: float


class RetryHook(Protocol):
    """Called before each wait; what it raises ends the call."""

    def __call__(self, details: RetryDetails, /) -> None:
        """Take note."""
        ...


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How often and how patiently to try again what is safe to repeat.

    `attempts` counts the first; 1 never retries. Waits grow from `wait_initial` to at most `wait_max` seconds, with jitter of
    up to `wait_jitter`. A `Retry-After` of at most `retry_after_max` seconds is obeyed instead; a longer one is not waited
    for: the error is raised at once, with `retry_after` set. `on_retry` is called before each wait.
    """

    attempts: int = 3
    wait_initial: float = 0.5
    wait_max: float = 8.0
    wait_jitter: float = 0.5
    retry_after_max: float = 60.0
    on_retry: RetryHook | None = None

    def __post_init__(self) -> None:
        if isinstance(self.attempts, bool) or not isinstance(self.attempts, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"attempts must be an int, not {type(self.attempts).__name__}")
        if self.attempts < 1:
            raise ValueError(f"attempts must be at least 1, not {self.attempts}")
        for name in ("wait_initial", "wait_max", "retry_after_max"):
            checked_seconds(getattr(self, name), name, optional=False)
        if self.wait_jitter != 0:
            checked_seconds(self.wait_jitter, "wait_jitter", optional=False)

    def allows(self, method: str, error: KaiError) -> bool:
        """Whether a request that failed so may be sent again."""
        if error.retry_after is not None and error.status_code in COME_BACK:
            return error.retry_after <= self.retry_after_max
        if error.status_code is not None:  # a server may write any code
            return method in _IDEMPOTENT and error.status_code in _SERVER_TROUBLE
        return error.code in NEVER_SENT or (method in _IDEMPOTENT and error.code == _LOST)
