"""The tool calls of the message, as the events that the published interface has for them."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from kai_client._wire import read_leniently
from kai_client.events import ToolCallEvent
from kai_client.message import ToolInputStreamingUIPart, UIPart
from kai_client.message.tools import name_of_tool

from .part_state import PartState
from .tool_parts import is_tool

__all__ = ["ToolCalls"]

_Made: TypeAlias = tuple[Callable[[], UIPart], ToolCallEvent | None]


class ToolCalls:
    """Makes the event of a call once for each of its states: whoever asks after every event mostly asks about old ones."""

    def __init__(self) -> None:
        self._made: dict[PartState, _Made] = {}

    def of(self, parts: Iterable[PartState]) -> dict[str, ToolCallEvent]:
        """The last state of each call by its id, in the order in which they first appeared."""
        calls: dict[str, ToolCallEvent] = {}
        for part in filter(is_tool, parts):
            maker = part.snapshot()
            made = self._made.get(part)
            if made is None or made[0] is not maker:
                made = self._made[part] = maker, _call(maker())
            if made[1] is not None:
                calls[made[1].tool_call_id] = made[1]
        return calls


def _call(part: UIPart) -> ToolCallEvent | None:
    """The call with all that is known of it: name and input stay after the output has come (protocol 4.5)."""
    wire = part.to_dict()
    name = name_of_tool(part.type, wire.get("toolName"))
    if isinstance(part, ToolInputStreamingUIPart) and part.raw_input is None:
        wire["state"] = "started"
    try:
        # A legacy backend may use a state that nobody knows, or leave one out: the call is there all the same.
        return read_leniently(ToolCallEvent, {"state": "", **wire, "type": "tool-call", "toolName": name or None})
    except ValueError:
        return None  # in a message that goes on: a part without a call id
