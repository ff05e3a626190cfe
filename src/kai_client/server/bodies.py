"""The request bodies, read strictly: what the backends refuse is refused here too (protocol 2.3), unknown keys are not."""

import unicodedata
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, cast
from uuid import UUID

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    JsonValue,
    StrictBool,
    StrictInt,
    StrictStr,
    field_validator,
    model_validator,
)
from pydantic.alias_generators import to_camel

from kai_client.approvals import LocalResult
from kai_client.message.tools import name_of_tool
from kai_client.models import ToolRestrictions
from kai_client.types import JsonObject

from .approvals import Decision
from .service import ToolReply

__all__ = [
    "AnyId",
    "ApprovalBody",
    "AssistantMessageBody",
    "ChatBody",
    "SettingsBody",
    "SuggestionsBody",
    "UserMessageBody",
    "UserSettingsBody",
    "VoteBody",
]


def _uuid(text: str) -> str:
    UUID(text)
    return text


def _segment(text: str) -> str:
    """An id travels as one segment of a path: `.`, `..` and control characters do not (protocol 2.1)."""
    if text in {"", ".", ".."} or any(unicodedata.category(char) == "Cc" for char in text):
        raise ValueError("is not an id")
    return text


_Id: TypeAlias = Annotated[StrictStr, AfterValidator(_uuid)]
AnyId: TypeAlias = Annotated[str, AfterValidator(_segment)]
"""An id that need not be a UUID: what it names exists or does not."""


class _Body(BaseModel):
    """Wire names only."""

    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel)


class TextPartBody(_Body):
    """Text of the user."""

    type: Literal["text"]
    text: str = Field(min_length=1)


class FilePartBody(_Body):
    """A picture of the user."""

    type: Literal["file"]
    media_type: Literal["image/jpeg", "image/png"]
    name: str = Field(min_length=1, max_length=100)
    url: str


class ApprovalPartBody(_Body):
    """The older answer to an approval request."""

    type: Literal["tool-approval-response"]
    approval_id: str
    approved: StrictBool
    reason: str | None = None


class ResultPartBody(_Body):
    """The oldest answer to a pending call."""

    type: Literal["tool-result"]
    tool_call_id: str
    tool_name: str
    result: Any


_Part: TypeAlias = Annotated[
    TextPartBody | FilePartBody | ApprovalPartBody | ResultPartBody, Field(discriminator="type")
]


class RequestContextBody(_Body):
    """Where the user is in the UI."""

    path: str | None = None


class MetadataBody(_Body):
    """What the message says about itself."""

    hidden: StrictBool = False
    request_context: RequestContextBody | None = None


class UserMessageBody(_Body):
    """A message of the user: text and files, or answers to tool calls."""

    id: _Id
    role: Literal["user"]
    parts: list[_Part] = Field(min_length=1)
    metadata: MetadataBody | None = None

    @property
    def text(self) -> str:
        """The text parts, joined."""
        return "\n".join(part.text for part in self.parts if isinstance(part, TextPartBody))

    def replies(self) -> list[ToolReply]:
        """The answers to tool calls among the parts."""
        return [_reply(part) for part in self.parts if isinstance(part, ApprovalPartBody | ResultPartBody)]


class AssistantMessageBody(_Body):
    """The assistant's message, sent back with its approvals answered."""

    id: _Id
    role: Literal["assistant"]
    parts: list[dict[str, JsonValue]]

    def replies(self) -> list[ToolReply]:
        """The decisions, and the results of tools that ran on the client's side, in the order of the parts."""
        return [reply for part in self.parts if (reply := _answered(part)) is not None]


class ChatBody(_Body):
    """`POST /api/chat`. The template's `messages` is read too: its last message counts (protocol 2.3)."""

    id: _Id
    message: Annotated[UserMessageBody | AssistantMessageBody, Field(discriminator="role")]
    selected_chat_model: str = Field(min_length=1)
    selected_visibility_type: Literal["private", "public"]
    branch_id: StrictInt | None = None
    tool_restrictions: ToolRestrictions | None = None

    @model_validator(mode="before")
    @classmethod
    def _take_last_message(cls, data: Any) -> Any:
        match data:
            case {"message": _}:
                return data
            case {"messages": [*_, last]}:
                return {**cast("dict[str, Any]", data), "message": last}
            case _:
                return data

    @field_validator("branch_id", mode="before")
    @classmethod
    def _refuse_null(cls, value: Any) -> Any:
        """The default branch is an absent key; the backend refuses null."""
        if value is None:
            raise ValueError("must be a number")
        return value


class ApprovalBody(_Body):
    """`POST /api/chat/{id}/approval`."""

    tool_use_id: AnyId
    approved: StrictBool
    reason: str | None = None
    updated_input: dict[str, JsonValue] | None = None
    answers: dict[str, JsonValue] | None = None


class VoteBody(_Body):
    """`PATCH /api/vote`."""

    chat_id: AnyId
    message_id: AnyId
    type: Literal["up", "down"]


class SettingsBody(_Body):
    """`PATCH /api/settings`: a key that is absent stays as it is, so look at `model_fields_set`."""

    custom_instructions: str | None = None


class UserSettingsBody(SettingsBody):
    """`PATCH /api/settings/user`."""

    tool_permissions: dict[str, str] | None = None


class SuggestionsBody(_Body):
    """`POST /api/suggestions`."""

    context: Literal["dashboard", "job-detail", "configuration-detail"]
    data: dict[str, JsonValue]


def _reply(part: ApprovalPartBody | ResultPartBody) -> ToolReply:
    if isinstance(part, ApprovalPartBody):
        return ToolReply(Decision(part.approved, part.reason), approval_id=part.approval_id)
    match part.result:
        case "confirmed" | "denied":
            decision = Decision(part.result == "confirmed", declined_output=True)
        case value:
            decision = Decision(approved=True, output=LocalResult(value))
    return ToolReply(decision, tool_call_id=part.tool_call_id, tool_name=part.tool_name)


def _answered(part: JsonObject) -> ToolReply | None:
    """The reply in a tool part (protocol 2.4), None in any other; only a real boolean decides."""
    call_id = part.get("toolCallId")
    if not isinstance(call_id, str):
        return None
    match part:
        case {"state": "approval-responded", "approval": {"id": str(approval_id), "approved": bool(approved), **rest}}:
            reason = rest.get("reason")
            decision = Decision(approved, reason if isinstance(reason, str) else None)
            return ToolReply(decision, approval_id=approval_id, tool_call_id=call_id, asked=part)
        case {"state": "output-available"}:
            result = LocalResult(part.get("output"))
        case {"state": "output-error", "errorText": str(error)}:
            result = LocalResult(error=error)
        case _:
            return None
    name = name_of_tool(str(part.get("type")), part.get("toolName"))
    return ToolReply(Decision(approved=True, output=result), tool_call_id=call_id, tool_name=name)
