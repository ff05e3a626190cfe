"""What a whole answer amounts to: its id, its text where it is wanted, its end."""

from typing import Final

from kai_client.accumulator import Accumulator
from kai_client.events import (
    AbortEvent,
    ErrorEvent,
    FinishEvent,
    FinishStepEvent,
    SSEEvent,
    StartEvent,
    UsageEvent,
    UsageInfo,
)
from kai_client.exceptions import KaiError
from kai_client.stream.verdict import failure_of

__all__ = ["Summary"]

_FRAME: Final = frozenset({AbortEvent, ErrorEvent, FinishEvent, FinishStepEvent, StartEvent, UsageEvent})


class Summary:
    """Folds the events of one answer. Without `whole` only those at its edges: a token then costs nothing here."""

    def __init__(self, chat_id: str, *, whole: bool) -> None:
        self.chat_id = chat_id
        self._whole = whole
        self._answer = Accumulator()

    def add(self, event: SSEEvent) -> None:
        """Take note of an event."""
        if self._whole or type(event) in _FRAME:
            self._answer.apply(event)

    @property
    def generation_id(self) -> str | None:
        """The id of the assistant's message, where the answer has one."""
        return self._answer.message.id or None

    @property
    def output(self) -> str:
        """The text, if it was folded."""
        return self._answer.text

    @property
    def finish_reason(self) -> str | None:
        """Why the answer ended; None where nothing says that it did."""
        return self._answer.finish.finish_reason if self._answer.finish is not None else None

    @property
    def usage(self) -> UsageInfo | None:
        """The tokens, where the answer tells them."""
        usage = self._answer.usage
        return usage if any(dict(usage).values()) else None

    def failure(self) -> KaiError | None:
        """The error that the answer itself ended with."""
        return failure_of(self._answer)
