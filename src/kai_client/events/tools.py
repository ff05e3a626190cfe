"""Tool calls: what the model asks for, who has to agree, and what came of it."""

from typing import ClassVar, Final, Literal

from pydantic import StrictBool

from kai_client._wire import WireModel
from kai_client.types import Json, ProviderMetadata

from .base import BaseSSEEvent, ChunkEvent

__all__ = [
    "ToolApproval",
    "ToolApprovalRequestEvent",
    "ToolApprovalResponseEvent",
    "ToolCallEvent",
    "ToolInputAvailableEvent",
    "ToolInputDeltaEvent",
    "ToolInputErrorEvent",
    "ToolInputStartEvent",
    "ToolOutputAvailableEvent",
    "ToolOutputDeniedEvent",
    "ToolOutputErrorEvent",
]


class ToolApproval(WireModel):
    """The approval of a tool call: `approved` stays None until somebody decided."""

    id: str
    approved: StrictBool | None = None
    reason: str | None = None


class ToolCallEvent(BaseSSEEvent, frozen=True):
    """A tool call has reached `state`. This class itself is the legacy `tool-call` chunk; its subclasses are the AI SDK's.

    `tool_name` and `input` are None where the chunk does not repeat them; `SSEStreamParser.tool_calls` keeps them.
    """

    chunk_type: ClassVar[str] = "tool-call"
    type: Literal["tool-call"] = "tool-call"
    tool_call_id: str
    tool_name: str | None = None
    state: str
    input: Json = None
    output: Json = None
    approval: ToolApproval | None = None
    error_text: str | None = None


class _SDKToolCall(ToolCallEvent, frozen=True):
    """What the AI SDK's chunks of a tool call have in common; the chunk's type says the state."""

    provider_executed: StrictBool | None = None
    dynamic: StrictBool | None = None
    title: str | None = None
    provider_metadata: ProviderMetadata | None = None
    tool_metadata: dict[str, Json] | None = None


class ToolInputStartEvent(_SDKToolCall, frozen=True):
    """`tool-input-start`: the model begins to write the input."""

    chunk_type: ClassVar[str] = "tool-input-start"
    state: Literal["started"] = "started"
    input_encoding: str | None = None


class ToolInputAvailableEvent(_SDKToolCall, frozen=True):
    """`tool-input-available`: the input is complete. On kai-agent the call may now be waiting for `submit_approval`."""

    chunk_type: ClassVar[str] = "tool-input-available"
    state: Literal["input-available"] = "input-available"


class ToolOutputAvailableEvent(_SDKToolCall, frozen=True):
    """`tool-output-available`: the tool has answered; `preliminary` answers are replaced by later ones."""

    chunk_type: ClassVar[str] = "tool-output-available"
    state: Literal["output-available"] = "output-available"
    preliminary: StrictBool | None = None


class ToolInputDeltaEvent(ChunkEvent, frozen=True):
    """`tool-input-delta`: a piece of the input's JSON text."""

    chunk_type: ClassVar[str] = "tool-input-delta"
    type: Literal["tool-input-delta"] = "tool-input-delta"
    tool_call_id: str
    input_text_delta: str


class ToolInputErrorEvent(ChunkEvent, frozen=True):
    """`tool-input-error`: the input that the model wrote does not fit the tool. The call has failed."""

    chunk_type: ClassVar[str] = "tool-input-error"
    type: Literal["tool-input-error"] = "tool-input-error"
    tool_call_id: str
    tool_name: str = ""
    input: Json = None
    error_text: str
    provider_executed: StrictBool | None = None
    dynamic: StrictBool | None = None
    title: str | None = None
    provider_metadata: ProviderMetadata | None = None
    tool_metadata: dict[str, Json] | None = None


class ToolApprovalRequestEvent(BaseSSEEvent, frozen=True):
    """`tool-approval-request`: the call waits for a human; answer it by `approval_id` (kai-assistant, AI SDK 6 and 7)."""

    chunk_type: ClassVar[str] = "tool-approval-request"
    type: Literal["tool-approval-request"] = "tool-approval-request"
    approval_id: str
    tool_call_id: str
    signature: str | None = None
    approval_descriptor: Json = None
    input_schema_input: Json = None
    reason: str | None = None
    is_automatic: StrictBool | None = None


class ToolApprovalResponseEvent(ChunkEvent, frozen=True):
    """`tool-approval-response`: the backend's own record of a decision (AI SDK 7)."""

    chunk_type: ClassVar[str] = "tool-approval-response"
    type: Literal["tool-approval-response"] = "tool-approval-response"
    approval_id: str
    approved: StrictBool
    reason: str | None = None
    provider_executed: StrictBool | None = None
    provider_metadata: ProviderMetadata | None = None


class ToolOutputErrorEvent(BaseSSEEvent, frozen=True):
    """`tool-output-error`: the tool failed."""

    chunk_type: ClassVar[str] = "tool-output-error"
    type: Literal["tool-output-error"] = "tool-output-error"
    tool_call_id: str
    error_text: str
    provider_executed: StrictBool | None = None
    dynamic: StrictBool | None = None
    provider_metadata: ProviderMetadata | None = None
    tool_metadata: dict[str, Json] | None = None


class ToolOutputDeniedEvent(ChunkEvent, frozen=True):
    """`tool-output-denied`: the call was refused and did not run."""

    chunk_type: ClassVar[str] = "tool-output-denied"
    type: Literal["tool-output-denied"] = "tool-output-denied"
    tool_call_id: str


CALL_STATES: Final = (
    ToolCallEvent,
    ToolInputErrorEvent,
    ToolApprovalRequestEvent,
    ToolOutputErrorEvent,
    ToolOutputDeniedEvent,
)
"""The events that say which call has reached another state: a delta reaches none, and an approval's response names no call."""
