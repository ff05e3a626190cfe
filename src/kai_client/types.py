"""Enumerations and type aliases that the other rooms share.

Every enumeration is a `str`: its members compare equal to the wire value, and every field that holds one stays an open
string, since backends add values (protocol 4.3: treat as open).
"""

from enum import Enum, StrEnum
from typing import Annotated, Final, Literal, TypeAlias

from pydantic import JsonValue, SkipValidation

__all__ = [
    "NOT_GIVEN",
    "ChatModel",
    "FinishReason",
    "JobStatus",
    "Json",
    "JsonObject",
    "KaiBackend",
    "MessageRole",
    "NotGiven",
    "ProviderMetadata",
    "SSEEventType",
    "ToolCallState",
    "VisibilityType",
    "VoteType",
]

JsonObject: TypeAlias = dict[str, JsonValue]
"""A JSON object as Python sees it."""

Json: TypeAlias = Annotated[JsonValue, SkipValidation]
"""Any JSON value in a model's field. It came out of a JSON decoder, so checking it again would only cost time."""


ProviderMetadata: TypeAlias = dict[str, Json]
"""What a provider adds to a chunk or a part: `{provider: {key: value}}` (protocol 4.3, PM)."""


class _Unset(Enum):
    """One value that is not None: some settings take None for "clear it"."""

    NOT_GIVEN = "NOT_GIVEN"

    def __repr__(self) -> str:
        return self.value


NOT_GIVEN: Final = _Unset.NOT_GIVEN
"""The default of a setting that stays as it is."""

NotGiven: TypeAlias = Literal[_Unset.NOT_GIVEN]
"""The type of `NOT_GIVEN`."""


class KaiBackend(StrEnum):
    """The Storage API service ids under which Kai is known (protocol, "Two backends")."""

    AGENT = "kai-agent"
    ASSISTANT = "kai-assistant"


class ChatModel(StrEnum):
    """Values of `selectedChatModel`."""

    CHAT = "chat-model"
    REASONING = "chat-model-reasoning"


class VisibilityType(StrEnum):
    """Who may read a chat."""

    PRIVATE = "private"
    PUBLIC = "public"


class VoteType(StrEnum):
    """The two votes that a message can get."""

    UP = "up"
    DOWN = "down"


class MessageRole(StrEnum):
    """Who wrote a message."""

    USER = "user"
    ASSISTANT = "assistant"


class JobStatus(StrEnum):
    """States of a background job, as the published interface names them."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"


class FinishReason(StrEnum):
    """Why an answer ended: the published names first, then those that the AI SDK writes (protocol 4.3)."""

    STOP = "stop"
    LENGTH = "length"
    TOOL_CALLS = "tool_calls"
    ERROR = "error"
    SDK_TOOL_CALLS = "tool-calls"
    CONTENT_FILTER = "content-filter"
    INTERRUPTED = "interrupted"
    OTHER = "other"
    UNKNOWN = "unknown"


class SSEEventType(StrEnum):
    """The `type` strings that the published interface documents; `kai_client.events` has them all."""

    TEXT = "text"
    STEP_START = "step-start"
    TOOL_CALL = "tool-call"
    TOOL_RESULT = "tool-result"
    TOOL_OUTPUT_ERROR = "tool-output-error"
    FINISH = "finish"
    ERROR = "error"


class ToolCallState(StrEnum):
    """States of a tool call, of the AI SDK (protocol 5.1) and of the legacy `tool-call` chunk (4.5)."""

    STARTED = "started"
    INPUT_AVAILABLE = "input-available"
    INPUT_STREAMING = "input-streaming"
    OUTPUT_AVAILABLE = "output-available"
    OUTPUT_ERROR = "output-error"
    OUTPUT_DENIED = "output-denied"
    STREAMING = "streaming"
    DONE = "done"
    APPROVAL_REQUESTED = "approval-requested"
    APPROVAL_RESPONDED = "approval-responded"
