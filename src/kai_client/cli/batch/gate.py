"""The pause that all prompts share: a service that says "later" to one says it to all."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Generator
from contextlib import contextmanager
from typing import Final

__all__ = ["Gate", "QuotaReached"]

_FIRST_GUESS: Final = 10.0
_LONGEST_GUESS: Final = 60.0


class QuotaReached(Exception):  # noqa: N818 - how a batch ends
    """The service takes no more prompts for longer than anybody wants to wait; `wait` is how long, where it says so."""

    def __init__(self, wait: float | None) -> None:
        super().__init__("The service takes no more prompts for now")
        self.wait = wait


class Gate:
    """Open until the service refuses a prompt; then nobody goes through before the time that it named.

    Where it named none, the pause is a guess: ten seconds, doubled with every refusal up to a minute. A prompt is never to
    blame for being refused, and there may be more at a time than the service takes; so it is the end, `QuotaReached`, when
    the service wants a pause of more than `max_wait` seconds, or has refused `most` times in a row, a pause after each,
    and takes no other prompt either. `told` hears of each pause; `clock` and `sleep` are for tests.
    """

    def __init__(
        self,
        *,
        max_wait: float,
        most: int = 3,
        told: Callable[[float], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = asyncio.sleep,
    ) -> None:
        self._max_wait = max_wait
        self._most = most
        self._told = told
        self.clock = clock
        self.sleep = sleep
        self._opens = clock()
        self._pauses = 0
        self._out: Counter[int] = Counter()
        """Prompts that are with the service, by how many pauses there were before they were sent."""
        self._in_vain = 0
        self._guesses = 0

    async def wait(self) -> None:
        """Come back when the gate is open; others may have closed it again meanwhile, which is waited for, too."""
        while (left := self._opens - self.clock()) > 0:
            await self.sleep(left)

    @contextmanager
    def sending(self) -> Generator[int]:
        """Around the time in which a prompt is with the service; what it yields is for `refused`."""
        pause = self._pauses
        self._out[pause] += 1
        try:
            yield pause
        finally:
            self._out[pause] -= 1

    def taken(self) -> None:
        """The service has answered a prompt."""
        self._in_vain = self._guesses = 0

    def refused(self, pause: int, retry_after: float | None) -> None:
        """The service has refused a prompt, which was sent after so many pauses. Raises `QuotaReached`.

        Prompts that were on their way together are refused together: that is one refusal, and the longest pause counts.
        """
        if retry_after is not None and retry_after > self._max_wait:
            raise QuotaReached(retry_after)
        if pause == self._pauses:
            others = any(count for sent, count in self._out.items() if sent < pause)  # who outlasts a pause was taken
            self._in_vain = 0 if others else self._in_vain + 1
            if self._in_vain >= self._most:
                raise QuotaReached(retry_after)
            self._pauses += 1
            self._guesses += retry_after is None
        elif retry_after is None:
            return
        wait = self._guess() if retry_after is None else retry_after
        if (opens := self.clock() + wait) > self._opens:
            self._opens = opens
            self._told(wait)

    def _guess(self) -> float:
        return min(_FIRST_GUESS * 2.0 ** (self._guesses - 1), _LONGEST_GUESS, self._max_wait)
