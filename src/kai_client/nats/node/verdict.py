"""What a failed attempt leads to: the exception decides, and how often the job was tried."""

from typing import Final

from kai_client.exceptions import KaiBadRequestError, KaiForbiddenError, KaiNotFoundError

from .settings import NodeSettings

__all__ = ["pause_after"]

_NEVER: Final = (KaiBadRequestError, KaiForbiddenError, KaiNotFoundError)
"""What the job itself is to blame for: nobody will fare better with it.

Anything else may pass: the quota, the network, the service, a worker with a token that is wrong, even a bug of a handler
that was deployed a minute ago. How often it is tried is bounded.
"""


def pause_after(error: Exception, attempt: int, settings: NodeSettings) -> float | None:
    """Seconds until the job may be tried again, the ones that the service named if it did; None if it is over with it."""
    if isinstance(error, _NEVER) or attempt >= settings.deliveries:
        return None
    named: object = getattr(error, "retry_after", None)
    pause = named if isinstance(named, int | float) and named > 0 else settings.backoff(attempt)
    return float(pause)
