"""Decisions about tool calls: what one is, and who waits for which."""

import asyncio
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeAlias

from kai_client.approvals import LocalResult
from kai_client.types import JsonObject

__all__ = ["CallKey", "Decision", "PendingApprovals"]


@dataclass(frozen=True, slots=True)
class Decision:
    """What a human, or a client, decided about one call."""

    approved: bool
    reason: str | None = None
    updated_input: JsonObject | None = None
    answers: JsonObject | None = None
    output: LocalResult | None = None
    """The result of a tool that ran on the client's side."""
    declined_output: bool = False
    """The oldest flow: a refusal is an output with `_declined` (protocol 2.4)."""


CallKey: TypeAlias = tuple[str, str, str]
"""User, chat and tool call."""


class PendingApprovals:
    """The calls that hold a stream open, and the decisions that free them (protocol 2.5)."""

    def __init__(self) -> None:
        self._waiting: dict[CallKey, asyncio.Future[Decision]] = {}

    @contextmanager
    def expect(self, keys: Iterable[CallKey]) -> Generator[dict[CallKey, asyncio.Future[Decision]]]:
        """A future per call, known to `decide` until the block is left, however it is left."""
        loop = asyncio.get_running_loop()
        futures = {key: loop.create_future() for key in keys}
        self._waiting.update(futures)
        try:
            yield futures
        finally:
            for key, future in futures.items():
                self._waiting.pop(key, None)
                future.cancel()

    def decide(self, key: CallKey, decision: Decision) -> bool:
        """Hand the decision over; False when nothing waits for it, or not any more."""
        future = self._waiting.pop(key, None)
        if future is None or future.done():
            return False
        future.set_result(decision)
        return True

    def __len__(self) -> int:
        return len(self._waiting)
