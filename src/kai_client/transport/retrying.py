"""The attempts themselves: tenacity counts and waits, the policy says what may be repeated."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

from kai_client.exceptions import KaiError
from kai_client.telemetry import Retry, note

from .retry import COME_BACK, RetryDetails, RetryPolicy

if TYPE_CHECKING:
    import tenacity

__all__ = ["retrying"]

ResultT = TypeVar("ResultT")


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
        if error is not None and error.retry_after is not None and error.status_code in COME_BACK:
            return error.retry_after
        return backoff(state)

    def before_sleep(state: tenacity.RetryCallState) -> None:
        error = _error_of(state)
        if error is None:
            return
        note(Retry(attempt=state.attempt_number, error=error, wait=state.upcoming_sleep))
        if policy.on_retry is not None:
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
