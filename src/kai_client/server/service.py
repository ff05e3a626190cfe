"""What `kai_app` can stand in front of: a `ChatBackend`, a whole service such as `KaiClient`, or a host of many users."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Protocol, runtime_checkable

from kai_client.approvals import LocalTools, Policy
from kai_client.backend import ChatBackend
from kai_client.events import SSEEvent
from kai_client.models import (
    AgentSettings,
    ApprovalResponse,
    ChatDetail,
    HistoryResponse,
    InfoResponse,
    PingResponse,
    SuggestionsResponse,
    ToolsListResponse,
    UsageResponse,
    UserAgentSettings,
    Vote,
)
from kai_client.types import JsonObject

from .approvals import Decision
from .faults import Mode

__all__ = ["Caller", "CarriesOn", "Conversation", "IncomingMessage", "KaiHost", "KaiService", "ToolReply"]


@runtime_checkable
class KaiService(ChatBackend, Protocol):
    """All of Kai for one user: the public methods of `KaiClient`, which is one. Failures are `KaiError`s."""

    # With both `Any`s a type checker accepts any keywords after the two texts, also a fixed list such as KaiClient's.
    def send_message(self, chat_id: str, text: str, *args: Any, **options: Any) -> AsyncIterator[SSEEvent]:
        """The events of the answer to `text`, in order."""
        ...

    async def ping(self) -> PingResponse:
        """The backend's clock."""
        ...

    async def info(self) -> InfoResponse:
        """What the backend is."""
        ...

    async def get_chat(self, chat_id: str) -> ChatDetail:
        """The chat and its messages, oldest first."""
        ...

    async def delete_chat(self, chat_id: str) -> None:
        """The chat is gone."""
        ...

    async def get_history(
        self, limit: int = 10, starting_after: str | None = None, ending_before: str | None = None
    ) -> HistoryResponse:
        """A page of chats, newest first."""
        ...

    async def get_votes(self, chat_id: str) -> list[Vote]:
        """The votes of a chat."""
        ...

    async def vote(self, chat_id: str, message_id: str, vote_type: str) -> Vote:
        """The vote, cast or changed."""
        ...

    async def get_usage(self) -> UsageResponse:
        """The message quota."""
        ...

    async def get_settings(self) -> AgentSettings:
        """The project's settings."""
        ...

    async def update_settings(self, *, custom_instructions: str | None = ...) -> AgentSettings:
        """The settings after the change; None clears, what is not given stays."""
        ...

    async def get_user_settings(self) -> UserAgentSettings:
        """The user's settings."""
        ...

    async def update_user_settings(
        self, *, custom_instructions: str | None = ..., tool_permissions: dict[str, str] | None = ...
    ) -> UserAgentSettings:
        """The settings after the change; permissions merge, None resets them."""
        ...

    async def get_tools(self) -> ToolsListResponse:
        """The tools, and which of them only read."""
        ...

    async def get_suggestions(self, context: str, data: dict[str, Any]) -> SuggestionsResponse:
        """What the user might ask next."""
        ...

    async def submit_approval(
        self,
        chat_id: str,
        tool_use_id: str,
        approved: bool,
        *,
        reason: str | None = None,
        updated_input: dict[str, Any] | None = None,
        answers: dict[str, Any] | None = None,
    ) -> ApprovalResponse:
        """The decision was taken by the open stream; `KaiNotFoundError` where nothing waits for it."""
        ...

    def resume_stream(self, chat_id: str) -> AsyncIterator[SSEEvent]:
        """The answer that is being written, from its first event; nothing where none is."""
        ...


@runtime_checkable
class CarriesOn(Protocol):
    """A service whose answers can go on after a stream that ended with tool calls that wait; `KaiClient` is one."""

    def run(
        self, chat_id: str, text: None = None, *, approve: Policy, tools: LocalTools | None = None
    ) -> AsyncIterator[SSEEvent]:
        """The rest of the answer that waits in this chat."""
        ...


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks, and how they speak."""

    token: str = field(repr=False)
    mode: Mode = "agent"
    storage_url: str = ""
    workspace_id: str | None = None

    @property
    def user_id(self) -> str:
        """A stable id that does not give the token away."""
        return f"user-{sha256(self.token.encode()).hexdigest()[:12]}"


@runtime_checkable
class KaiHost(Protocol):
    """A backend that keeps users apart: it has a `KaiService` for each."""

    def for_user(self, caller: Caller) -> KaiService:
        """The service as this caller sees it. Cheap: it is asked for every request."""
        ...

    async def aclose(self) -> None:
        """End what still runs; the server that started it calls this when it shuts down."""
        ...


@dataclass(frozen=True, slots=True)
class IncomingMessage:
    """A user message as it arrived."""

    chat_id: str
    text: str
    id: str
    parts: Sequence[JsonObject]
    metadata: JsonObject | None = None
    options: dict[str, Any] = field(default_factory=dict[str, Any])
    """The keywords of `send_message` that the request carries."""


@dataclass(frozen=True, slots=True)
class ToolReply:
    """A decision, or a client's own result, that arrived as a message; one of the two ids says for which call."""

    decision: Decision
    approval_id: str | None = None
    tool_call_id: str | None = None
    tool_name: str = ""
    asked: JsonObject | None = None
    """The call as whoever answers it has seen it, where the answer says."""


@runtime_checkable
class Conversation(Protocol):
    """The chat as messages rather than texts: ids, files, and several decisions at once."""

    def send_user_message(self, message: IncomingMessage) -> AsyncIterator[SSEEvent]:
        """The answer. Refusals are raised before the first event."""
        ...

    def send_tool_replies(self, chat_id: str, replies: Sequence[ToolReply]) -> AsyncIterator[SSEEvent]:
        """The rest of the answer that waits for these replies. Refusals are raised before the first event."""
        ...
