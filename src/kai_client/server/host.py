"""Hosts of many users on one machine: what they share, and the one that keeps chats for any `ChatBackend`."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from kai_client.backend import ChatBackend
from kai_client.events import SSEEvent
from kai_client.models import ApprovalResponse, Message, SuggestionsResponse, ToolInfo
from kai_client.types import JsonObject

from .answer import Answer
from .approvals import Decision, PendingApprovals
from .broadcast import Broadcast
from .faults import refusal
from .records import Cursor, Records
from .service import Caller, IncomingMessage, KaiService
from .session import OpenAnswer, Session
from .store import Store
from .suggestions import suggestions_for
from .tool_calls import RunningCall

__all__ = ["LocalHost", "StoredKai"]


class LocalHost(ABC):
    """A `KaiHost` whose users' chats, votes, settings and usage are kept in SQLite (`db`, a path or `":memory:"`).

    `quota` is the number of messages per user and month; `cursor` the meaning of `starting_after` (protocol 8.1).
    """

    def __init__(self, *, db: str | Path = ":memory:", quota: int = 150, cursor: Cursor = "list") -> None:
        self.store: Store = Store(db)
        self.quota = quota
        self.cursor: Cursor = cursor
        self.approvals: PendingApprovals = PendingApprovals()
        self.running: dict[str, Broadcast] = {}
        """Answers that are being written, by chat, in assistant mode."""
        self.suspended: dict[str, OpenAnswer] = {}
        """Answers that wait for an approval after their stream ended, by chat."""

    def for_user(self, caller: Caller) -> KaiService:
        """This caller's session."""
        return Session(self, caller)

    def records(self, caller: Caller) -> Records:
        """What is kept for this caller."""
        return Records(self.store, caller.user_id, cursor=self.cursor, quota=self.quota)

    async def aclose(self) -> None:
        """End the answers that are still being written. What is kept stays kept, and the host can be used again."""
        for broadcast in list(self.running.values()):
            await broadcast.cancel()

    @abstractmethod
    def open(
        self, caller: Caller, message: IncomingMessage, history: Sequence[Message], restrictions: JsonObject
    ) -> Answer:
        """A new answer to a message that was accepted and kept."""

    @abstractmethod
    def tools(self) -> Sequence[ToolInfo]:
        """The catalogue of tools."""

    def suggestions(self, context: str, data: Mapping[str, Any]) -> SuggestionsResponse:
        """What the user might ask next: three fixed ones per context."""
        return suggestions_for(context, data)

    async def decide(self, caller: Caller, chat_id: str, tool_use_id: str, decision: Decision) -> ApprovalResponse:
        """The decision was handed to the stream that waits for it; `not_found` where none does."""
        if not self.approvals.decide((caller.user_id, chat_id, tool_use_id), decision):
            raise refusal("not_found:chat", "No pending approval for this tool call.")
        return ApprovalResponse(success=True, tool_use_id=tool_use_id, approved=decision.approved)


@runtime_checkable
class _TakesApprovals(Protocol):
    async def submit_approval(
        self,
        chat_id: str,
        tool_use_id: str,
        approved: bool,
        *,
        reason: str | None = None,
        updated_input: dict[str, Any] | None = None,
        answers: dict[str, Any] | None = None,
    ) -> ApprovalResponse: ...


class StoredKai(LocalHost):
    """Any `ChatBackend` with chats, votes, settings and usage kept for it; `kai_app` wraps bare backends in one.

    A backend that also has `submit_approval` gets the decisions of its open streams. Streams that end with an approval
    request need a backend that continues them: that is a whole `KaiService`, or `ScriptedKai`.
    """

    def __init__(
        self, backend: ChatBackend, *, db: str | Path = ":memory:", quota: int = 150, cursor: Cursor = "list"
    ) -> None:
        super().__init__(db=db, quota=quota, cursor=cursor)
        self._backend = backend

    def open(
        self, caller: Caller, message: IncomingMessage, history: Sequence[Message], restrictions: JsonObject
    ) -> Answer:
        """The backend's own answer; who may call which tool is its own business too."""
        del caller, history, restrictions
        return _BackendAnswer(self._backend.send_message(message.chat_id, message.text, **message.options))

    def tools(self) -> Sequence[ToolInfo]:
        """None are known."""
        return ()

    async def decide(self, caller: Caller, chat_id: str, tool_use_id: str, decision: Decision) -> ApprovalResponse:
        """The backend's answer to the decision, if it takes any."""
        if not isinstance(self._backend, _TakesApprovals):
            return await super().decide(caller, chat_id, tool_use_id, decision)
        if self.records(caller).own(chat_id) is None:
            raise refusal("not_found:chat", "No pending approval for this tool call.")
        return await self._backend.submit_approval(
            chat_id,
            tool_use_id,
            decision.approved,
            reason=decision.reason,
            updated_input=decision.updated_input,
            answers=decision.answers,
        )


class _BackendAnswer:
    """An answer that is one stream and never continued."""

    waiting: Sequence[RunningCall] = ()

    def __init__(self, events: AsyncIterator[SSEEvent]) -> None:
        self._events = events

    def events(self, decisions: Mapping[str, Decision]) -> AsyncIterator[SSEEvent]:  # noqa: ARG002 - none can be due
        return self._events
