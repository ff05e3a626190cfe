"""Calls of tools, as a chat makes them."""

from typing import Any

from pydantic import JsonValue

from kai_client.approvals import ToolCall
from kai_client.message import UIMessage


def tool_call(name: str, input: Any = None) -> ToolCall[JsonValue]:
    """A call that nothing but its name and its input matters of."""
    message = UIMessage(id="m1", role="assistant", parts=[])
    return ToolCall(
        chat_id="c1", tool_call_id="t1", tool_name=name, input={} if input is None else input, message=message
    )
