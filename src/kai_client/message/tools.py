"""Tool calls: one class per state (protocol 5.1), for static tools (`tool-<name>`) and dynamic ones (`dynamic-tool`) alike."""

from typing import Literal

from pydantic import BaseModel, Field, StrictBool
from pydantic.alias_generators import to_camel

from kai_client.types import Json, ProviderMetadata

from .base import UIPartBase

__all__ = [
    "ToolApprovalRequestedUIPart",
    "ToolApprovalRespondedUIPart",
    "ToolApprovalState",
    "ToolInputAvailableUIPart",
    "ToolInputStreamingUIPart",
    "ToolOutputAvailableUIPart",
    "ToolOutputDeniedUIPart",
    "ToolOutputErrorUIPart",
    "ToolUIPartBase",
]

DYNAMIC = "dynamic-tool"


def is_tool_type(kind: object) -> bool:
    """Whether this is the `type` of a tool call's part."""
    return isinstance(kind, str) and (kind == DYNAMIC or kind.startswith("tool-"))


def name_of_tool(kind: str, dynamic_name: object) -> str:
    """The tool's name, from a part's `type` and its `toolName`; empty for a dynamic tool that nobody has named.

    Names may contain dashes, so it is all behind the first one of `tool-<name>`.
    """
    if kind != DYNAMIC:
        return kind.partition("-")[2]
    return dynamic_name if isinstance(dynamic_name, str) else ""


class ToolApprovalState(
    BaseModel, frozen=True, alias_generator=to_camel, populate_by_name=True, extra="allow", defer_build=True
):
    """Who has to agree and what they said: `approved` is None until somebody decided."""

    id: str
    approved: StrictBool | None = None
    reason: str | None = None
    request_reason: str | None = None
    is_automatic: StrictBool | None = None
    signature: str | None = None
    descriptor: Json = None
    input_schema_input: Json = None


class ToolUIPartBase(UIPartBase, frozen=True):
    """What the states of a tool call have in common."""

    type: str
    tool_call_id: str
    state: str
    dynamic_tool_name: str | None = Field(default=None, alias="toolName")
    title: str | None = None
    provider_executed: StrictBool | None = None
    tool_metadata: dict[str, Json] | None = None
    call_provider_metadata: ProviderMetadata | None = None
    result_provider_metadata: ProviderMetadata | None = None
    approval: ToolApprovalState | None = None

    @property
    def is_dynamic(self) -> bool:
        """Whether the tool was not known to the server when it was built, as MCP tools are."""
        return self.type == DYNAMIC

    @property
    def tool_name(self) -> str:
        """The tool's name; empty where a dynamic tool has none."""
        return name_of_tool(self.type, self.dynamic_tool_name)


class ToolInputStreamingUIPart(ToolUIPartBase, frozen=True):
    """The model is writing the input: `input` is the best value so far, `raw_input` its text."""

    state: Literal["input-streaming"] = "input-streaming"
    input: Json = None
    raw_input: Json = None
    input_encoding: str | None = None


class ToolInputAvailableUIPart(ToolUIPartBase, frozen=True):
    """The input is complete; the tool runs, or waits for a decision on kai-agent."""

    state: Literal["input-available"] = "input-available"
    input: Json = None


class ToolApprovalRequestedUIPart(ToolUIPartBase, frozen=True):
    """The call waits for a human, who answers `approval.id`."""

    state: Literal["approval-requested"] = "approval-requested"
    input: Json = None


class ToolApprovalRespondedUIPart(ToolUIPartBase, frozen=True):
    """Somebody has decided; see `approval.approved`."""

    state: Literal["approval-responded"] = "approval-responded"
    input: Json = None


class ToolOutputAvailableUIPart(ToolUIPartBase, frozen=True):
    """The tool has answered; a `preliminary` answer will be replaced."""

    state: Literal["output-available"] = "output-available"
    input: Json = None
    output: Json = None
    preliminary: StrictBool | None = None


class ToolOutputErrorUIPart(ToolUIPartBase, frozen=True):
    """The call has failed; `raw_input` is what the model wrote where it was no input at all."""

    state: Literal["output-error"] = "output-error"
    input: Json = None
    raw_input: Json = None
    error_text: str = ""


class ToolOutputDeniedUIPart(ToolUIPartBase, frozen=True):
    """The call was refused and did not run."""

    state: Literal["output-denied"] = "output-denied"
    input: Json = None
