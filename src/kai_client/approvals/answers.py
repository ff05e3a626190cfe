"""Decisions about tool calls, as the bodies in which they travel to kai-assistant (protocol 2.4)."""

from collections.abc import Sequence
from typing import Final

from pydantic import JsonValue

from kai_client._wire import is_object
from kai_client.exceptions import KaiError
from kai_client.message import UIMessage
from kai_client.models import ToolResultPart

__all__ = ["CONFIRMED", "DENIED", "answered_message", "checked_decision", "tool_result"]

CONFIRMED: Final = "confirmed"
DENIED: Final = "denied"


def checked_decision(approved: bool) -> bool:
    """`approved` if it is a bool: a string never approves, not even `"false"`. Raises `TypeError` otherwise."""
    if not isinstance(approved, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - the one argument not to guess
        raise TypeError(f"approved must be True or False, not {type(approved).__name__}")
    return approved


def answered_message(
    messages: Sequence[UIMessage], approval_id: str, *, approved: bool, reason: str | None
) -> UIMessage:
    """The newest assistant message that asks for `approval_id`, with that one request answered.

    Signature and descriptor of the request are kept: a backend that signs its requests checks them. Raises `KaiError` with
    the code `approval:not_found` where no message asks for it.
    """
    for message in reversed(messages):
        if message.role != "assistant":
            continue
        for index, part in enumerate(message.parts):
            approval: object = part.get("approval")
            if is_object(approval) and approval.get("id") == approval_id:
                answered = {**approval, "approved": approved} | ({"reason": reason} if reason is not None else {})
                parts = [dict(part) for part in message.parts]
                parts[index] = {**parts[index], "state": "approval-responded", "approval": answered}
                return UIMessage.from_dict({**message.to_dict(), "parts": parts})
    raise KaiError(f"No message of this chat asks for the approval {approval_id!r}", "approval:not_found")


def tool_result(tool_call_id: str, tool_name: str, result: JsonValue) -> ToolResultPart:
    """The oldest answer to a tool call: a user message's part with `confirmed`, `denied` or the result."""
    return ToolResultPart(tool_call_id=tool_call_id, tool_name=tool_name, result=result)
