"""How often a prompt is tried: again where that can help and does nothing twice, in a new chat where it has to be."""

import random
import uuid
from enum import Enum, auto
from typing import Final

from kai_client.cli.exit_codes import ExitCode
from kai_client.cli.failures import exit_code
from kai_client.cli.terminal import one_line, short
from kai_client.exceptions import (
    KaiAuthenticationError,
    KaiConnectionError,
    KaiError,
    KaiForbiddenError,
    KaiRateLimitError,
    KaiServerError,
    KaiStreamError,
    KaiTimeoutError,
)
from kai_client.transport.retry import NEVER_SENT

from .answering import Answerer, Unanswered
from .gate import Gate
from .prompts import Prompt
from .records import Fault, Record, Reply

__all__ = ["Attempts", "Locked"]

_TROUBLE: Final = (KaiRateLimitError, KaiServerError, KaiConnectionError, KaiTimeoutError, KaiStreamError)
"""What may be over when it is tried again."""

_COME_BACK: Final = frozenset({429, 503})
_BACKOFF: Final = 0.5
_LONGEST_BACKOFF: Final = 30.0
_MESSAGE: Final = 500


class Locked(Exception):  # noqa: N818 - how a batch ends
    """Kai is closed to this token: no other prompt will fare better."""

    def __init__(self, error: KaiError) -> None:
        super().__init__(str(error))
        self.error = error


class _Next(Enum):
    """What a failed attempt leads to."""

    SAME_CHAT = auto()
    NEW_CHAT = auto()
    GIVE_UP = auto()


class Attempts:
    """Asks `answerer` about each prompt up to `most` times, and never while the gate is closed.

    To be refused is not an attempt that failed: the gate knows when that has no end.
    """

    def __init__(self, answerer: Answerer, gate: Gate, *, most: int, secret: str | None = None) -> None:
        self._answerer = answerer
        self._gate = gate
        self._most = most
        self._secret = secret

    async def record(self, prompt: Prompt) -> Record:
        """What became of the prompt. Raises `Locked` and `QuotaReached` for what is no matter of this prompt alone."""
        chat_id = prompt.chat_id or str(uuid.uuid4())
        attempts = failures = 0
        while True:
            await self._gate.wait()
            attempts += 1
            began = self._gate.clock()
            with self._gate.sending() as pause:
                outcome = await self._outcome(prompt, chat_id)
            seconds = self._gate.clock() - began
            if isinstance(outcome, Reply):
                self._gate.taken()
                chat_id = outcome.chat_id or chat_id
                return Record(prompt=prompt, chat_id=chat_id, reply=outcome, seconds=seconds, attempts=attempts)
            then, error = _after(outcome, own_chat=prompt.chat_id is not None), outcome.error
            if _says_later(error):
                self._gate.refused(pause, error.retry_after)
            else:
                failures += 1
            if then is _Next.GIVE_UP or failures >= self._most:
                fault = self._fault(error)
                return Record(prompt=prompt, chat_id=chat_id, fault=fault, seconds=seconds, attempts=attempts)
            if then is _Next.NEW_CHAT:
                chat_id = str(uuid.uuid4())
            if not _says_later(error):
                await self._gate.sleep(_backoff(failures))

    async def _outcome(self, prompt: Prompt, chat_id: str) -> Reply | Unanswered:
        try:
            return await self._answerer.answer(prompt, chat_id)
        except Unanswered as failure:
            return failure

    def _fault(self, error: KaiError) -> Fault:
        message = short(one_line(str(error.message), self._secret), _MESSAGE)
        code = None if error.code is None else one_line(error.code, self._secret)
        return Fault(code=code, message=message, retryable=isinstance(error, _TROUBLE))


def _after(failure: Unanswered, *, own_chat: bool) -> _Next:
    """What to do next. Raises `Locked` where nothing would help.

    A message that may have been processed is not sent to the same chat again, and in no case after a tool was allowed to run.
    """
    error = failure.error
    if isinstance(error, KaiAuthenticationError) or (isinstance(error, KaiForbiddenError) and not own_chat):
        raise Locked(error) from failure
    never_sent = error.status_code is None and error.code in NEVER_SENT
    if not failure.begun and (never_sent or _says_later(error)):
        return _Next.SAME_CHAT
    may_pass = isinstance(error, KaiRateLimitError | KaiServerError) or exit_code(error) is ExitCode.NETWORK
    return _Next.NEW_CHAT if may_pass and not own_chat and not failure.acted else _Next.GIVE_UP


def _says_later(error: KaiError) -> bool:
    """Whether the service asks for a pause."""
    return isinstance(error, KaiRateLimitError) or (error.status_code in _COME_BACK and error.retry_after is not None)


def _backoff(attempt: int) -> float:
    """Seconds before the next attempt; not the same for all, so that they do not come back together."""
    longest: float = min(_BACKOFF * 2.0**attempt, _LONGEST_BACKOFF)
    return random.uniform(longest / 2, longest)  # noqa: S311 - no secret
