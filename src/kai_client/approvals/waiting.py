"""Which calls of a message wait for an answer from this side (protocol 2.4, 5.1). Pure."""

import copy
from dataclasses import dataclass
from typing import Any

from kai_client._wire import is_object
from kai_client.message import UIMessage
from kai_client.message.tools import is_tool_type, name_of_tool
from kai_client.types import Json

from .decisions import ToolCall

__all__ = ["WaitingCall", "waiting_calls"]


@dataclass(frozen=True, slots=True)
class WaitingCall:
    """A call without an end. Without an approval id it waits for a result, or is one of the oldest backends' questions."""

    tool_call_id: str
    tool_name: str
    input: Json
    approval_id: str | None = None
    title: str | None = None
    request_reason: str | None = None
    approved: bool = False
    """It was approved already, and waits for its result: that can only be this side's to give."""

    def to_call(self, chat_id: str, message: UIMessage, *, read_only: bool | None = None) -> ToolCall[Any]:
        """The call as a policy sees it."""
        return ToolCall(
            chat_id=chat_id,
            tool_call_id=self.tool_call_id,
            tool_name=self.tool_name,
            input=copy.deepcopy(self.input),
            message=message,
            approval_id=self.approval_id,
            title=self.title,
            request_reason=self.request_reason,
            read_only=read_only,
        )


def waiting_calls(message: UIMessage) -> list[WaitingCall]:
    """The calls that wait, in order: asked for by an approval request, with their input and nothing more, or approved.

    What the model's provider runs by itself waits for nobody.
    """
    return [call for part in message.parts if (call := _waiting(part.to_dict())) is not None]


def _waiting(part: dict[str, Any]) -> WaitingCall | None:
    kind, call_id = part.get("type"), part.get("toolCallId")
    if not isinstance(kind, str) or not isinstance(call_id, str) or not is_tool_type(kind):
        return None
    approval = _open_approval(part)
    match part.get("state"):
        case "approval-requested" if approval:
            pass
        case "input-available" if part.get("providerExecuted") is not True and _verdict(part) is None:
            pass
        case "approval-responded" if part.get("providerExecuted") is not True and _verdict(part) is True:
            pass
        case _:
            return None
    return WaitingCall(
        call_id,
        name_of_tool(kind, part.get("toolName")),
        part.get("input"),
        _text(approval.get("id")),
        _text(part.get("title")),
        _text(approval.get("requestReason")),
        approved=part.get("state") == "approval-responded",
    )


def _open_approval(part: dict[str, Any]) -> dict[str, Any]:
    """The request that nobody has answered; empty where there is none. Older backends send it with the input."""
    approval: object = part.get("approval")
    if not is_object(approval) or approval.get("isAutomatic") is True or isinstance(approval.get("approved"), bool):
        return {}
    return approval if isinstance(approval.get("id"), str) else {}


def _verdict(part: dict[str, Any]) -> bool | None:
    approval: object = part.get("approval")
    approved: object = approval.get("approved") if is_object(approval) else None
    return approved if isinstance(approved, bool) else None


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
