"""The interface of the published package kai-client 0.12.0, and what only 0.2.0 had: facts, as tables.

Signatures are parameter lists as Python writes them; annotations are left out, since ours may take more. The models are in
`published_models`.
"""

from typing import Final, Literal, TypeAlias

UNSET: Final = object()
"""The published default that means "not given"; only that it is none of the real values matters."""

MethodKind: TypeAlias = Literal["async method", "async iterator", "static", "async class method", "property", "method"]

_ASK: Final = "visibility='private', branch_id=None"

CONSTRUCTORS: Final = {
    "client.KaiClient": (
        "storage_api_token, storage_api_url, base_url='http://localhost:3000', timeout=300.0, stream_timeout=600.0"
    ),
    "sse.SSEStreamParser": "",
}

METHODS: Final[dict[str, tuple[MethodKind, str]]] = {
    "client.KaiClient.from_storage_api": (
        "async class method",
        "storage_api_token, storage_api_url, timeout=300.0, stream_timeout=600.0",
    ),
    "client.KaiClient.close": ("async method", "self"),
    "client.KaiClient.new_chat_id": ("static", ""),
    "client.KaiClient.new_message_id": ("static", ""),
    "client.KaiClient.ping": ("async method", "self"),
    "client.KaiClient.info": ("async method", "self"),
    "client.KaiClient.send_message": (
        "async iterator",
        f"self, chat_id, text, *, {_ASK}, hidden=False, request_path=None",
    ),
    "client.KaiClient.send_tool_approval_response": (
        "async iterator",
        f"self, chat_id, approval_id, approved, *, reason=None, {_ASK}",
    ),
    "client.KaiClient.approve_tool": ("async iterator", f"self, chat_id, approval_id, *, reason=None, {_ASK}"),
    "client.KaiClient.reject_tool": ("async iterator", f"self, chat_id, approval_id, *, reason=None, {_ASK}"),
    "client.KaiClient.send_tool_result": (
        "async iterator",
        f"self, chat_id, tool_call_id, tool_name, result, *, {_ASK}",
    ),
    "client.KaiClient.confirm_tool": ("async iterator", f"self, chat_id, tool_call_id, tool_name, *, {_ASK}"),
    "client.KaiClient.deny_tool": ("async iterator", f"self, chat_id, tool_call_id, tool_name, *, {_ASK}"),
    "client.KaiClient.get_chat": ("async method", "self, chat_id"),
    "client.KaiClient.resume_stream": ("async iterator", "self, chat_id"),
    "client.KaiClient.delete_chat": ("async method", "self, chat_id"),
    "client.KaiClient.submit_approval": (
        "async method",
        "self, chat_id, tool_use_id, approved, *, reason=None, updated_input=None, answers=None",
    ),
    "client.KaiClient.get_history": ("async method", "self, limit=10, starting_after=None, ending_before=None"),
    "client.KaiClient.get_all_history": ("async iterator", "self, batch_size=100"),
    "client.KaiClient.get_votes": ("async method", "self, chat_id"),
    "client.KaiClient.vote": ("async method", "self, chat_id, message_id, vote_type"),
    "client.KaiClient.upvote": ("async method", "self, chat_id, message_id"),
    "client.KaiClient.downvote": ("async method", "self, chat_id, message_id"),
    "client.KaiClient.get_usage": ("async method", "self"),
    "client.KaiClient.get_settings": ("async method", "self"),
    "client.KaiClient.update_settings": ("async method", "self, *, custom_instructions=UNSET"),
    "client.KaiClient.get_user_settings": ("async method", "self"),
    "client.KaiClient.update_user_settings": (
        "async method",
        "self, *, custom_instructions=UNSET, tool_permissions=UNSET",
    ),
    "client.KaiClient.get_tools": ("async method", "self"),
    "client.KaiClient.get_suggestions": ("async method", "self, context, data"),
    "client.KaiClient.chat": ("async method", f"self, text, *, chat_id=None, {_ASK}"),
    "sse.SSEStreamParser.process_event": ("method", "self, event"),
    "sse.SSEStreamParser.reset": ("method", "self"),
    "sse.SSEStreamParser.consume_stream": ("async iterator", "self, response, yield_events=True"),
    "sse.SSEStreamParser.text": ("property", ""),
    "sse.SSEStreamParser.tool_calls": ("property", ""),
    "sse.SSEStreamParser.finished": ("property", ""),
    "sse.SSEStreamParser.finish_reason": ("property", ""),
    "sse.SSEStreamParser.prompt_tokens": ("property", ""),
    "sse.SSEStreamParser.completion_tokens": ("property", ""),
    "sse.SSEStreamParser.total_tokens": ("property", ""),
    "sse.parse_sse_event": ("method", "data"),
    "sse.parse_sse_stream": ("async iterator", "response"),
    "exceptions.raise_for_error_response": ("method", "response_data"),
}

ONLY_IN_0_2: Final = {
    "client.KaiClient.send_message": "model='chat-model'",
    "client.KaiClient.send_tool_result": "model='chat-model'",
    "client.KaiClient.confirm_tool": "model='chat-model'",
    "client.KaiClient.deny_tool": "model='chat-model'",
    "client.KaiClient.chat": "model='chat-model'",
}
"""Keywords that 0.12.0 no longer had."""

EXCEPTIONS: Final = (
    "KaiError",
    "KaiAuthenticationError",
    "KaiBadRequestError",
    "KaiConnectionError",
    "KaiForbiddenError",
    "KaiNotFoundError",
    "KaiRateLimitError",
    "KaiStreamError",
    "KaiTimeoutError",
)
EXCEPTION_SIGNATURE: Final = "message, code=None, cause=None, response_data=None"

ENUMS: Final[dict[str, dict[str, str]]] = {
    "FinishReason": {"STOP": "stop", "LENGTH": "length", "TOOL_CALLS": "tool_calls", "ERROR": "error"},
    "JobStatus": {
        "PENDING": "pending",
        "PROCESSING": "processing",
        "COMPLETED": "completed",
        "FAILED": "failed",
    },
    "MessageRole": {"USER": "user", "ASSISTANT": "assistant"},
    "SSEEventType": {
        "TEXT": "text",
        "STEP_START": "step-start",
        "TOOL_CALL": "tool-call",
        "TOOL_RESULT": "tool-result",
        "TOOL_OUTPUT_ERROR": "tool-output-error",
        "FINISH": "finish",
        "ERROR": "error",
    },
    "ToolCallState": {
        "STARTED": "started",
        "INPUT_AVAILABLE": "input-available",
        "INPUT_STREAMING": "input-streaming",
        "OUTPUT_AVAILABLE": "output-available",
        "OUTPUT_ERROR": "output-error",
        "OUTPUT_DENIED": "output-denied",
        "STREAMING": "streaming",
        "DONE": "done",
        "APPROVAL_REQUESTED": "approval-requested",
        "APPROVAL_RESPONDED": "approval-responded",
    },
    "VisibilityType": {"PRIVATE": "private", "PUBLIC": "public"},
    "VoteType": {"UP": "up", "DOWN": "down"},
    "ChatModel": {"CHAT": "chat-model", "REASONING": "chat-model-reasoning"},  # only in 0.2.0
}

EXPORTED: Final = """
    AgentSettings ApprovalResponse Chat ChatDetail ChatRequest ErrorEvent ErrorResponse FinishEvent FinishReason
    HistoryResponse InfoResponse KaiAuthenticationError KaiBadRequestError KaiClient KaiConnectionError KaiError
    KaiForbiddenError KaiNotFoundError KaiRateLimitError KaiStreamError KaiTimeoutError McpConnection Message
    MessageMetadata MessageRequest MessageRole PingResponse RequestContext SSEEvent SSEEventType SSEStreamParser
    StepStartEvent Suggestion SuggestionsResponse TextEvent TextPart ToolApproval ToolApprovalRequestEvent
    ToolApprovalResponsePart ToolCallEvent ToolCallPart ToolCallState ToolInfo ToolOutputErrorEvent ToolResultPart
    ToolsListResponse UnknownEvent UsageEvent UsageInfo UsageResponse UserAgentSettings VisibilityType Vote VoteRequest
    VoteType __version__ parse_sse_event parse_sse_stream
""".split()  # noqa: SIM905 - as a list it would be one name a line
"""The names that `kai_client` itself exports."""
