"""What a tool is told beside its arguments."""

from dataclasses import dataclass
from typing import Any, Generic

from typing_extensions import TypeVar

from kai_client.approvals.decisions import ToolCall

__all__ = ["StateT", "ToolContext"]

StateT = TypeVar("StateT", default=Any)
"""What the lifespan of a toolbox yields."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolContext(Generic[StateT]):
    """The surroundings of one call: a parameter with this annotation gets it, and no caller sees that parameter."""

    state: StateT
    """What the lifespan yielded, the same object for every call; None in a toolbox without a lifespan."""
    tool_name: str
    call: ToolCall[Any] | None = None
    """The call as the model made it; None where the tool was not called by a chat."""
