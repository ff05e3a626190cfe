# Made of kai_client/approvals/local.py by scripts/generate_sync.py: change that, and run this.
"""What a run needs of tools that run on the client's side; `Toolbox` has it."""

from typing import Any, Protocol, runtime_checkable

from kai_client.approvals.decisions import ToolCall
from kai_client.approvals.results import LocalResult
from kai_client.sync.approvals.policy import Policy

__all__ = ["LocalTools"]


@runtime_checkable
class LocalTools(Protocol):
    """Functions on this machine, and policies for tools of the backend."""

    def runs(self, tool_name: str) -> bool:
        """Whether this tool runs here."""
        ...

    def policy_for(self, tool_name: str) -> Policy | None:
        """The policy of a tool that the backend runs; None where there is none of its own."""
        ...

    def answer(self, call: ToolCall[Any]) -> LocalResult:
        """Run the tool with the call's input. What goes wrong is the result's error; it raises for misuse only."""
        ...
