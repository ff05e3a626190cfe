"""What a failed attempt leads to: the exception decides, and how often the job was tried."""

from typing import Final

from kai_client.exceptions import (
    KaiBadRequestError,
    KaiConnectionError,
    KaiError,
    KaiForbiddenError,
    KaiNotFoundError,
    KaiRateLimitError,
)

from .settings import NodeSettings

__all__ = ["NotKept", "is_attempt", "pause_after"]

_NEVER: Final = (KaiBadRequestError, KaiForbiddenError, KaiNotFoundError)
"""What the job itself is to blame for: nobody will fare better with it.

Anything else may pass: the quota, the network, the service, a worker with a token that is wrong, even a bug of a handler
that was deployed a minute ago. How often it is tried is bounded.
"""


class NotKept(KaiConnectionError):  # noqa: N818 - what became of an answer, not the error of a program
    """There is an answer, but the broker does not confirm it."""


def is_attempt(error: Exception) -> bool:
    """Whether it says anything about the job: that Kai names a time to come back does not, nor does a broker's trouble."""
    return _named_pause(error) is None and not isinstance(error, NotKept)


def pause_after(error: Exception, attempts: int, settings: NodeSettings) -> float | None:
    """Seconds until the job may be tried again, the ones that the service named if it did; None if it is over with it."""
    if (named := _named_pause(error)) is not None:
        return named
    if isinstance(error, _NEVER) or (attempts >= settings.deliveries and is_attempt(error)):
        return None
    pause = settings.backoff(attempts)
    return max(pause, settings.quota_pause) if isinstance(error, KaiRateLimitError) else pause


def _named_pause(error: Exception) -> float | None:
    wait = error.retry_after if isinstance(error, KaiError) and not isinstance(error, _NEVER) else None
    return wait if wait is not None and wait > 0 else None
