"""The REST payloads: requests and responses of the endpoints of protocol section 2.

Wire names and Python names are both accepted; unknown fields are kept. The event classes are re-exported, since the
published interface has them here.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, JsonValue, StrictBool, field_validator, model_validator

from ._wire import WireModel, is_array, is_object, read_leniently, to_request
from .events import (
    BaseSSEEvent,
    ErrorEvent,
    FinishEvent,
    StepStartEvent,
    TextEvent,
    ToolApproval,
    ToolApprovalRequestEvent,
    ToolCallEvent,
    ToolOutputErrorEvent,
    UnknownEvent,
    UsageEvent,
    UsageInfo,
)
from .message import UIMessage
from .types import Json

__all__ = [
    "AgentSettings",
    "ApprovalResponse",
    "BaseSSEEvent",
    "Chat",
    "ChatDetail",
    "ChatRequest",
    "ErrorEvent",
    "ErrorResponse",
    "FinishEvent",
    "HistoryResponse",
    "InfoResponse",
    "McpConnection",
    "Message",
    "MessageMetadata",
    "MessageRequest",
    "PingResponse",
    "RequestContext",
    "StepStartEvent",
    "StepStartPart",
    "Suggestion",
    "SuggestionsResponse",
    "TextEvent",
    "TextPart",
    "ToolApproval",
    "ToolApprovalRequestEvent",
    "ToolApprovalResponsePart",
    "ToolCallEvent",
    "ToolCallPart",
    "ToolInfo",
    "ToolOutputErrorEvent",
    "ToolRestrictions",
    "ToolResultPart",
    "ToolsListResponse",
    "UnknownEvent",
    "UsageEvent",
    "UsageInfo",
    "UsageResponse",
    "UserAgentSettings",
    "Vote",
    "VoteRequest",
]


class PingResponse(WireModel):
    """`GET /ping`: the backend's clock."""

    timestamp: datetime


class McpConnection(WireModel):
    """An MCP server that the backend is connected to; some backends name its `url` instead of its `name`."""

    name: str = ""
    status: str = ""
    url: str | None = None


class InfoResponse(WireModel):
    """`GET /api`. `connected_mcp` is a list of connections or one connection, as the backend sent it (protocol 2.2)."""

    timestamp: datetime
    uptime: float
    app_name: str
    app_version: str
    server_version: str
    connected_mcp: Any = Field(default_factory=list[Any])

    @property
    def mcp_connections(self) -> list[McpConnection]:
        """`connected_mcp` as a list of connections, whichever shape the backend uses."""
        found: object = self.connected_mcp
        entries = found if is_array(found) else [found]
        return [read_leniently(McpConnection, entry) for entry in entries if is_object(entry)]


class RequestContext(WireModel):
    """Where the user is in the Keboola UI."""

    path: str | None = None


class MessageMetadata(WireModel):
    """What a user message says about itself; `hidden` keeps it out of the UI."""

    hidden: StrictBool = False
    request_context: RequestContext | None = None


class TextPart(WireModel):
    """A part of a message: text."""

    type: Literal["text"] = "text"
    text: str
    state: str | None = None


class StepStartPart(WireModel):
    """A part of a message: here a step begins."""

    type: Literal["step-start"] = "step-start"


class ToolCallPart(WireModel):
    """A part of a message: a tool call, `type` being `tool-<name>` or `dynamic-tool`."""

    type: str
    tool_call_id: str
    state: str
    input: Json = None
    output: Json = None
    tool_name: str | None = None


class ToolResultPart(WireModel):
    """The oldest answer to a pending tool call: `confirmed`, `denied`, or the result itself (protocol 2.4)."""

    type: Literal["tool-result"] = "tool-result"
    tool_call_id: str
    tool_name: str
    result: Any


class ToolApprovalResponsePart(WireModel):
    """An answer to a pending tool call as a user message's part (protocol 2.4, the older variant)."""

    type: Literal["tool-approval-response"] = "tool-approval-response"
    approval_id: str
    approved: StrictBool
    reason: str | None = None


class ToolRestrictions(WireModel):
    """Which tools a chat may use. kai-agent only; the first message of a chat decides for all of it (protocol 2.3)."""

    allowed_tools: list[str] | None = None
    disallowed_tools: list[str] | None = None
    read_only_mode: StrictBool | None = None


class MessageRequest(WireModel):
    """The user message of a chat request."""

    id: str
    role: Literal["user"] = "user"
    parts: list[TextPart | ToolResultPart | ToolApprovalResponsePart]
    metadata: MessageMetadata | None = None


class AssistantMessageRequest(WireModel):
    """The assistant message that goes back with its approvals answered (protocol 2.4, AI SDK v6 style)."""

    id: str
    role: Literal["assistant"] = "assistant"
    parts: list[dict[str, Json]]


class ChatRequest(WireModel):
    """The body of `POST /api/chat`. Fields that are None are not sent: the backend refuses a null `branchId`."""

    id: str
    message: MessageRequest | AssistantMessageRequest
    selected_chat_model: str
    selected_visibility_type: str
    branch_id: int | None = None
    tool_restrictions: ToolRestrictions | None = None

    def to_body(self) -> dict[str, JsonValue]:
        """The JSON body."""
        return to_request(self)


class Message(UIMessage, frozen=True):
    """A stored message: a `UIMessage` and when it was made."""

    created_at: datetime | None = None


class Chat(WireModel):
    """A chat as the history lists it."""

    id: str
    title: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    visibility: str | None = None
    user_id: str | None = None


class ChatDetail(Chat):
    """`GET /api/chat/{id}`: the chat and its messages, oldest first."""

    messages: list[Message] = Field(default_factory=list[Message])


class HistoryResponse(WireModel):
    """One page of `GET /api/history`, newest chat first."""

    chats: list[Chat]
    has_more: bool


class Vote(WireModel):
    """A vote on a message. Backends write `type`, or `isUpvoted` instead (protocol 8.2); both are read."""

    id: str | None = None
    chat_id: str
    message_id: str
    type: Literal["up", "down"]
    created_at: datetime | None = None

    @model_validator(mode="before")
    @classmethod
    def _read_is_upvoted(cls, data: Any) -> Any:
        if not is_object(data):
            return data
        if "type" not in data:
            return {**data, "type": "up" if data.get("isUpvoted") is True else "down"}
        if data["type"] not in ("up", "down"):  # said here, so that it does not count as absent, and then as a down
            raise ValueError("type is neither up nor down")
        return data


class VoteRequest(WireModel):
    """The body of `PATCH /api/vote`."""

    chat_id: str
    message_id: str
    type: Literal["up", "down"]


class ApprovalResponse(WireModel):
    """What `POST /api/chat/{id}/approval` answers."""

    success: StrictBool
    tool_use_id: str
    approved: StrictBool


class UsageResponse(WireModel):
    """The message quota of this user in this project."""

    messages_used: int
    messages_limit: int
    reset_date: datetime


class AgentSettings(WireModel):
    """The project's settings for Kai."""

    project_id: str
    custom_instructions: str | None = None
    created_at: datetime
    updated_at: datetime

    @field_validator("project_id", mode="before")
    @classmethod
    def _read_number(cls, value: Any) -> Any:
        return _text_of_number(value)


class UserAgentSettings(AgentSettings):
    """The user's own settings; `tool_permissions` maps a tool to `always_allow`, `always_ask` or `blocked`."""

    user_id: str
    tool_permissions: dict[str, str] | None = None

    @field_validator("user_id", mode="before")
    @classmethod
    def _read_user_number(cls, value: Any) -> Any:
        return _text_of_number(value)


def _text_of_number(value: Any) -> Any:
    """Keboola writes project and user ids as a string or as a number (protocol 1.5)."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


class ToolInfo(WireModel):
    """A tool of the backend; one that is `read_only` runs without asking unless the user's settings say otherwise."""

    name: str
    description: str
    read_only: StrictBool


class ToolsListResponse(WireModel):
    """`GET /api/settings/tools`."""

    tools: list[ToolInfo]


class Suggestion(WireModel):
    """Something that the user might ask next."""

    id: str
    label: str
    prompt: str
    priority: int
    category: str
    reasoning: str


class SuggestionsResponse(WireModel):
    """`POST /api/suggestions`."""

    suggestions: list[Suggestion]
    suggestion_session_id: str


class ErrorResponse(WireModel):
    """The flat error body, `{code, message, cause?}`."""

    code: str
    message: str
    cause: str | None = None
