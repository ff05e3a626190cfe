# Made of kai_client/approvals/ports.py by scripts/generate_sync.py: change that, and run this.
"""What a run is made of: the client it speaks through, the requests it may send, who decides and how long it may go on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from kai_client.exceptions import KaiError
from kai_client.message import UIMessage
from kai_client.models import ApprovalResponse, ChatDetail, ToolResultPart
from kai_client.sync.approvals.catalogue import ToolSource
from kai_client.sync.approvals.judge import Judge
from kai_client.sync.approvals.local import LocalTools
from kai_client.sync.transport import StreamRequest
from kai_client.types import KaiBackend

__all__ = ["RunClient", "RunPlan", "Steps"]


class RunClient(ToolSource, Protocol):
    """The calls that a run makes; `KaiClient` has them."""

    def get_chat(self, chat_id: str) -> ChatDetail:
        """The chat with its messages."""
        ...

    def submit_approval(
        self,
        chat_id: str,
        tool_use_id: str,
        approved: bool,
        *,
        reason: str | None = None,
        updated_input: dict[str, Any] | None = None,
        answers: dict[str, Any] | None = None,
    ) -> ApprovalResponse:
        """The open stream has taken the decision."""
        ...


@dataclass(frozen=True, kw_only=True)
class RunPlan:
    """One run: `repost` sends an assistant's message back, `reply` answers in the oldest way.

    `one_connection`: the HTTP client has no other beside that of the stream.
    """

    chat_id: str
    backend: str | None
    client: RunClient
    repost: Callable[[UIMessage], StreamRequest]
    reply: Callable[[Sequence[ToolResultPart]], StreamRequest]
    one_connection: bool
    judge: Judge
    tools: LocalTools | None

    def runs_here(self, tool_name: str) -> bool:
        """Whether the tool is of this side, its approval included. kai-assistant takes no results: it means its own tool."""
        return self.backend != KaiBackend.ASSISTANT and self.tools is not None and self.tools.runs(tool_name)


class Steps:
    """Counts the steps in which the answer waited for this side; calls that wait together are one."""

    def __init__(self, most: int) -> None:
        if isinstance(most, bool) or not isinstance(most, int):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"max_steps must be an int, not {type(most).__name__}")
        if most < 1:
            raise ValueError(f"max_steps must be at least 1, not {most}")
        self._most = most
        self._begun = 0
        self._open = False

    def begin(self) -> None:
        """A call waits. Raises `KaiError` with the code `run:max_steps` where this is a step too many: nobody was asked."""
        if self._open:
            return
        if self._begun == self._most:
            raise KaiError(
                f"The answer waits for a decision after {self._most} steps of the run; raise max_steps", "run:max_steps"
            )
        self._begun += 1
        self._open = True

    def end(self) -> None:
        """The answer has moved on."""
        self._open = False
