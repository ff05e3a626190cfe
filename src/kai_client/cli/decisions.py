"""Who decides about a tool call: `--auto-approve`, the human at the terminal, or nobody, and then the answer is no."""

from collections.abc import Mapping
from typing import Any

from kai_client import Denial, ToolCall, ToolCallEvent
from kai_client._wire import is_object

from .exit_codes import ExitCode, Failure
from .output import Output
from .prompt import can_ask, read_line
from .terminal import json_text, one_line

__all__ = ["Decisions"]


class Decisions:
    """The policy of one message, and what it has refused."""

    def __init__(self, output: Output, *, auto_approve: bool) -> None:
        self._output = output
        self._auto_approve = auto_approve
        self._asked = False
        self._refused: dict[str, str] = {}

    def decide(self, call: ToolCall[Any], /) -> bool | Denial:
        """Whether the call may run."""
        if self._auto_approve:
            return True
        name = one_line(call.tool_name or "a tool without a name", self._output.secret)
        if not can_ask():
            self._refused[call.tool_call_id] = name
            return Denial(reason="Nobody can be asked here.")
        self._asked = True
        approved = self._ask(call, name)
        if not approved:
            self._refused[call.tool_call_id] = name
        return approved

    def settle(self, calls: Mapping[str, ToolCallEvent]) -> None:
        """The answer is over, and `calls` are what became of all calls. Raises a `Failure` if something was refused.

        A tool that ran by itself, without waiting for the answer, was not refused.
        """
        ran = [call_id for call_id in self._refused if _ran(calls.get(call_id))]
        names = [name for call_id, name in self._refused.items() if call_id not in ran]
        for name in [self._refused[call_id] for call_id in ran] if self._asked else []:
            self._output.note(f"{name} did not wait for an answer.", fg="yellow")
        for name in [] if self._asked else names:
            self._output.note(f"{name} needs approval, and nobody can be asked here: denied.", fg="yellow")
        if names:
            advice = "" if self._asked else "; run it in a terminal to be asked, or with --auto-approve"
            raise Failure(f"Not allowed to run {', '.join(names)}{advice}", ExitCode.APPROVAL)

    def _ask(self, call: ToolCall[Any], name: str) -> bool:
        """Shows the call whole: nobody can decide about half of a query."""
        arguments = "" if call.input is None else json_text(call.input, self._output.secret)
        self._output.block(f"Kai wants to run {name} {arguments}".rstrip())
        answer = read_line("Allow it? [y/N] ")
        return answer is not None and answer.strip().lower() in {"y", "yes"}


def _ran(call: ToolCallEvent | None) -> bool:
    """The oldest backends show a refusal as an output (protocol 2.4)."""
    if call is None or call.state != "output-available":
        return False
    return not (is_object(call.output) and call.output.get("_declined") is True)
