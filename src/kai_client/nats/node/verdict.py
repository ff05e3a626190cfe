"""What a failed attempt leads to: the exception decides, and how often the job was tried."""

from typing import Final

from kai_client.exceptions import KaiBadRequestError, KaiError, KaiForbiddenError, KaiNotFoundError, KaiRateLimitError

from .settings import NodeSettings

__all__ = ["named_pause", "pause_after"]

_NEVER: Final = (KaiBadRequestError, KaiForbiddenError, KaiNotFoundError)
"""What the job itself is to blame for: nobody will fare better with it.

Anything else may pass: the quota, the network, the service, a worker with a token that is wrong, even a bug of a handler
that was deployed a minute ago. How often it is tried is bounded.
"""


def named_pause(error: Exception) -> float | None:
    """The seconds after which the service takes the job, where it says so: to be refused like this is no failed attempt."""
    wait = error.retry_after if isinstance(error, KaiError) and not isinstance(error, _NEVER) else None
    return wait if wait is not None and wait > 0 else None


def pause_after(error: Exception, attempts: int, settings: NodeSettings) -> float | None:
    """Seconds until the job may be tried again, the ones that the service named if it did; None if it is over with it."""
    if (named := named_pause(error)) is not None:
        return named
    if isinstance(error, _NEVER) or attempts >= settings.deliveries:
        return None
    pause = settings.backoff(attempts)
    return max(pause, settings.quota_pause) if isinstance(error, KaiRateLimitError) else pause
