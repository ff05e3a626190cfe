"""Decisions and results as the bodies in which they travel to kai-assistant (protocol 2.4)."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pydantic import JsonValue

from kai_client._wire import is_object
from kai_client.exceptions import KaiError
from kai_client.message import UIMessage, UIPart
from kai_client.models import ToolResultPart
from kai_client.types import JsonObject

from .decisions import Approval, Decision, reason_of
from .results import LocalResult

__all__ = ["CONFIRMED", "DENIED", "answered_message", "message_asking", "oldest_answer", "response", "tool_result"]

CONFIRMED: Final = "confirmed"
DENIED: Final = "denied"


def answered_message(
    message: UIMessage,
    *,
    approvals: Mapping[str, Decision],
    results: Mapping[str, LocalResult] | None = None,
    reason: str | None = None,
) -> UIMessage:
    """The message with requests answered, by approval id, and results entered, by call id, of calls that wait for one.

    Signature and descriptor of a request are kept: a backend that signs its requests checks them. `reason` goes with every
    decision that has none.
    """
    parts = [_answered(part, approvals, results or {}, reason) for part in message.parts]
    return UIMessage.from_dict({**message.to_dict(), "parts": parts})


def _answered(
    part: UIPart, approvals: Mapping[str, Decision], results: Mapping[str, LocalResult], reason: str | None
) -> JsonObject:
    wire = part.to_dict()
    approval: object = wire.get("approval")
    if is_object(approval) and approval.get("id") in approvals:
        said = response(approvals[approval["id"]], reason)
        wire |= {"state": "approval-responded", "approval": {**approval, **said}}
    open_for_result = wire.get("state") in {"input-available", "approval-responded"}
    result = results.get(str(wire.get("toolCallId"))) if open_for_result else None
    if result is None:
        return wire
    if result.error is not None:
        return {**wire, "state": "output-error", "errorText": result.error}
    return {**wire, "state": "output-available", "output": result.output}


def response(decision: Decision, reason: str | None = None) -> dict[str, Any]:
    """What a message or an event says of a decision; `reason` where it has none of its own."""
    own = reason_of(decision)
    reason = reason if own is None else own
    return {"approved": isinstance(decision, Approval)} | ({} if reason is None else {"reason": reason})


def message_asking(messages: Sequence[UIMessage], approval_id: str) -> UIMessage:
    """The newest assistant message that asks for `approval_id`.

    Raises `KaiError` with the code `approval:not_found` where none does.
    """
    for message in reversed(messages):
        if message.role == "assistant" and any(_asks(part, approval_id) for part in message.parts):
            return message
    raise KaiError(f"No message of this chat asks for the approval {approval_id!r}", "approval:not_found")


def _asks(part: UIPart, approval_id: str) -> bool:
    approval: object = part.get("approval")
    return is_object(approval) and approval.get("id") == approval_id


def tool_result(tool_call_id: str, tool_name: str, result: JsonValue) -> ToolResultPart:
    """The oldest answer to a tool call: a user message's part with `confirmed`, `denied` or the result."""
    return ToolResultPart(tool_call_id=tool_call_id, tool_name=tool_name, result=result)


def oldest_answer(tool_call_id: str, tool_name: str, decision: Decision) -> ToolResultPart:
    """A decision in the oldest flow, which takes no reason."""
    return tool_result(tool_call_id, tool_name, CONFIRMED if isinstance(decision, Approval) else DENIED)
