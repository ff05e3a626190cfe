"""The models and events of the published package kai-client 0.12.0: facts, as tables.

A line is `name (wire name): type = default`, the wire name only where it differs; no default means required.
"""

import ast
from dataclasses import dataclass
from typing import Any, Final

REQUIRED: Final = object()
"""Stands for the default of a field that has none."""

_CHAT: Final = """
    id: str
    title: str = None
    created_at (createdAt): datetime = None
    updated_at (updatedAt): datetime = None
    visibility: str = None
    user_id (userId): str = None
"""
_SETTINGS: Final = """
    project_id (projectId): str
    custom_instructions (customInstructions): str = None
    created_at (createdAt): datetime
    updated_at (updatedAt): datetime
"""

MODELS: Final = {
    "AgentSettings": _SETTINGS,
    "UserAgentSettings": f"""{_SETTINGS}
        user_id (userId): str
        tool_permissions (toolPermissions): dict of str = None
    """,
    "ApprovalResponse": """
        success: bool
        tool_use_id (toolUseId): str
        approved: bool
    """,
    "Chat": _CHAT,
    "ChatDetail": f"""{_CHAT}
        messages: list of Message = []
    """,
    "ChatRequest": """
        id: str
        message: MessageRequest
        selected_chat_model (selectedChatModel): str
        selected_visibility_type (selectedVisibilityType): str
        branch_id (branchId): int = None
    """,
    "ErrorResponse": """
        code: str
        message: str
        cause: str = None
    """,
    "HistoryResponse": """
        chats: list of Chat
        has_more (hasMore): bool
    """,
    "InfoResponse": """
        timestamp: datetime
        uptime: float
        app_name (appName): str
        app_version (appVersion): str
        server_version (serverVersion): str
        connected_mcp (connectedMcp): any = []
    """,
    "McpConnection": """
        name: str
        status: str
    """,
    "Message": """
        id: str
        role: str
        parts: list of dict
        created_at (createdAt): datetime = None
        metadata: dict = None
    """,
    "MessageMetadata": """
        hidden: bool = False
        request_context (requestContext): RequestContext = None
    """,
    "MessageRequest": """
        id: str
        role: 'user' = 'user'
        parts: list of TextPart
        metadata: MessageMetadata = None
    """,
    "PingResponse": """
        timestamp: datetime
    """,
    "RequestContext": """
        path: str = None
    """,
    "StepStartPart": """
        type: 'step-start' = 'step-start'
    """,
    "Suggestion": """
        id: str
        label: str
        prompt: str
        priority: int
        category: str
        reasoning: str
    """,
    "SuggestionsResponse": """
        suggestions: list of Suggestion
        suggestion_session_id (suggestionSessionId): str
    """,
    "TextPart": """
        type: 'text' = 'text'
        text: str
        state: str = None
    """,
    "ToolApproval": """
        id: str
        approved: bool = None
        reason: str = None
    """,
    "ToolApprovalResponsePart": """
        type: 'tool-approval-response' = 'tool-approval-response'
        approval_id (approvalId): str
        approved: bool
        reason: str = None
    """,
    "ToolCallPart": """
        type: str
        tool_call_id (toolCallId): str
        state: str
        input: dict = None
        output: dict = None
        tool_name (toolName): str = None
    """,
    "ToolInfo": """
        name: str
        description: str
        read_only (readOnly): bool
    """,
    "ToolResultPart": """
        type: 'tool-result' = 'tool-result'
        tool_call_id (toolCallId): str
        tool_name (toolName): str
        result: any
    """,
    "ToolsListResponse": """
        tools: list of ToolInfo
    """,
    "UsageInfo": """
        prompt_tokens (promptTokens): int = 0
        completion_tokens (completionTokens): int = 0
        total_tokens (totalTokens): int = 0
        cache_read_tokens (cacheReadTokens): int = 0
        cache_write_tokens (cacheWriteTokens): int = 0
        reasoning_tokens (reasoningTokens): int = 0
    """,
    "UsageResponse": """
        messages_used (messagesUsed): int
        messages_limit (messagesLimit): int
        reset_date (resetDate): datetime
    """,
    "Vote": """
        id: str = None
        chat_id (chatId): str
        message_id (messageId): str
        type: 'up' | 'down'
        created_at (createdAt): datetime = None
    """,
    "VoteRequest": """
        chat_id (chatId): str
        message_id (messageId): str
        type: 'up' | 'down'
    """,
}

EVENTS: Final = {
    "BaseSSEEvent": """
        type: str
    """,
    "TextEvent": """
        type: 'text' = 'text'
        text: str
        state: str = None
    """,
    "StepStartEvent": """
        type: 'step-start' = 'step-start'
    """,
    "ToolCallEvent": """
        type: 'tool-call' = 'tool-call'
        tool_call_id (toolCallId): str
        tool_name (toolName): str = None
        state: str
        input: dict = None
        output: any = None
        approval: ToolApproval = None
    """,
    "ToolApprovalRequestEvent": """
        type: 'tool-approval-request' = 'tool-approval-request'
        approval_id (approvalId): str
        tool_call_id (toolCallId): str
    """,
    "ToolOutputErrorEvent": """
        type: 'tool-output-error' = 'tool-output-error'
        tool_call_id (toolCallId): str
        error_text (errorText): str
    """,
    "UsageEvent": """
        type: 'data-usage' = 'data-usage'
        usage: UsageInfo
    """,
    "FinishEvent": """
        type: 'finish' = 'finish'
        finish_reason (finishReason): str
        usage: UsageInfo = None
    """,
    "ErrorEvent": """
        type: 'error' = 'error'
        message: str
        code: str = None
    """,
    "UnknownEvent": """
        type: str
        data: dict = {}
    """,
}

BASES: Final = {"ChatDetail": "Chat", **{name: "BaseSSEEvent" for name in EVENTS if name != "BaseSSEEvent"}}
"""Published subclasses of something else than pydantic's `BaseModel`."""

LAXER: Final = {
    "McpConnection.name": "some backends send a url instead (protocol 2.2)",
    "McpConnection.status": "as its name",
    "FinishEvent.finish_reason": "optional on the wire (protocol 4.3)",
}
"""Fields that were required and that ours can do without, and why."""


@dataclass(frozen=True)
class Field:
    """One field of a published model."""

    name: str
    wire: str
    type: str
    default: Any


def fields_of(table: str) -> list[Field]:
    """The fields that a table of `MODELS` or `EVENTS` lists."""
    found: list[Field] = []
    for line in filter(None, map(str.strip, table.splitlines())):
        declared, _, default = line.partition(" = ")
        names, _, kind = declared.partition(": ")
        name, _, wire = names.removesuffix(")").partition(" (")
        found.append(Field(name, wire or name, kind, ast.literal_eval(default) if default else REQUIRED))
    return found
