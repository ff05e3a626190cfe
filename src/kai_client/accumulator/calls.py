"""A tool call of the message as the event that the published interface has for it."""

from kai_client._wire import to_wire
from kai_client.events import ToolCallEvent
from kai_client.message import ToolInputStreaming, ToolUIPart


def as_tool_call(part: ToolUIPart) -> ToolCallEvent:
    """The call with all that is known of it: name and input stay after the output has come (protocol 4.5)."""
    wire = {key: value for key, value in to_wire(part).items() if key not in {"type", "toolName"}}
    if isinstance(part, ToolInputStreaming) and part.raw_input is None:
        wire["state"] = "started"
    return ToolCallEvent.model_validate({**wire, "toolName": part.tool_name or None})
