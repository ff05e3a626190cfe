"""When a failed attempt may be made again. What waits and counts is tenacity; what may be repeated is decided here.

Anything that only reads, or that sets what it names, may be repeated: GET, PATCH, DELETE. A POST may only where it provably was
not processed: the connection never came to be, or the answer says when to come back (429 or 503 with `Retry-After`).
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from kai_client.exceptions import KaiError

from .timeouts import checked_seconds

if TYPE_CHECKING:
    import tenacity

__all__ = ["RetryDetails", "RetryHook", "RetryPolicy", "retrying"]

ResultT = TypeVar("ResultT")

NEVER_SENT: Final = frozenset({"connection:failed", "timeout:connect", "timeout:pool"})
"""Codes of failures before the request was on its way."""

_LOST: Final = "connection:lost"
_IDEMPOTENT: Final = frozenset({"GET", "HEAD", "PATCH", "PUT", "DELETE"})
_COME_BACK: Final = frozenset({429, 503})
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
        if error.retry_after is not None and error.status_code in _COME_BACK:
            return error.retry_after <= self.retry_after_max
        if error.status_code is not None:  # a server may write any code
            return method in _IDEMPOTENT and error.status_code in _SERVER_TROUBLE
        return error.code in NEVER_SENT or (method in _IDEMPOTENT and error.code == _LOST)


async def retrying(
    policy: RetryPolicy,
    method: str,
    attempt: Callable[[], Awaitable[ResultT]],
    sleep: Callable[[float], Awaitable[None]],
) -> ResultT:
    """The result of the first attempt that succeeds, else the last one's error; `sleep` waits between them."""
    try:
        return await attempt()
    except KaiError as error:
        if policy.attempts == 1 or not policy.allows(method, error):
            raise
        first = error
    return await _again(policy, method, attempt, sleep, first)


async def _again(
    policy: RetryPolicy,
    method: str,
    attempt: Callable[[], Awaitable[ResultT]],
    sleep: Callable[[float], Awaitable[None]],
    first: KaiError,
) -> ResultT:
    import tenacity  # noqa: PLC0415 - loaded when something has failed: most programs never need it

    growing = tenacity.wait_exponential(multiplier=policy.wait_initial, max=policy.wait_max)
    backoff = growing + tenacity.wait_random(0, policy.wait_jitter)

    def wait(state: tenacity.RetryCallState) -> float:
        error = _error_of(state)
        if error is not None and error.retry_after is not None and error.status_code in _COME_BACK:
            return error.retry_after
        return backoff(state)

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = _error_of(state)
        if policy.on_retry is not None and error is not None:
            policy.on_retry(RetryDetails(state.attempt_number, error, state.upcoming_sleep))

    failed: list[KaiError] = [first]

    async def next_attempt() -> ResultT:
        if failed:
            raise failed.pop()  # the first attempt has been made
        return await attempt()

    loop = tenacity.AsyncRetrying(
        stop=tenacity.stop_after_attempt(policy.attempts),
        retry=tenacity.retry_if_exception(lambda error: isinstance(error, KaiError) and policy.allows(method, error)),
        wait=wait,
        before_sleep=before_sleep,
        sleep=sleep,
        reraise=True,
    )
    return await loop(next_attempt)


def _error_of(state: "tenacity.RetryCallState") -> KaiError | None:
    error = state.outcome.exception() if state.outcome is not None else None
    return error if isinstance(error, KaiError) else None
