"""Who decides about a tool call: `--auto-approve`, the human at the terminal, or nobody, and then the answer is no."""

from kai_client import ToolCallEvent

from .exit_codes import ExitCode, Failure
from .output import Output
from .prompt import can_ask, read_line
from .terminal import json_text, one_line

__all__ = ["Decisions"]


class Decisions:
    """The decisions about the calls of one message: each is made once, for one call id with these arguments.

    They end with the message: a backend that uses an id again does not get an old yes for a new call.
    """

    def __init__(self, output: Output, *, auto_approve: bool) -> None:
        self._output = output
        self._auto_approve = auto_approve
        self._asked = False
        self._made: dict[str, tuple[ToolCallEvent, bool]] = {}
        self._refused: list[str] = []

    def is_made(self, call: ToolCallEvent) -> bool:
        """Whether this call, with these arguments, was decided about."""
        decided = self._made.get(call.tool_call_id)
        return decided is not None and (decided[0].tool_name, decided[0].input) == (call.tool_name, call.input)

    def make(self, call: ToolCallEvent) -> bool:
        """Whether the call may run; the same call gets the same answer."""
        if not self.is_made(call):
            self._made[call.tool_call_id] = (call, self._auto_approve or self._ask(call))
        return self._made[call.tool_call_id][1]

    def note_refusal(self, call: ToolCallEvent) -> None:
        """The backend took a no for this call."""
        name = one_line(call.tool_name or "a tool")
        self._refused.append(name)
        if not self._asked:
            self._output.note(f"{name} needs approval, and nobody can be asked here: denied.", fg="yellow")

    def note_needless(self, call: ToolCallEvent) -> None:
        """The backend ran this call by itself, whatever was decided."""
        if self._asked:
            self._output.note(f"{one_line(call.tool_name or 'a tool')} did not wait for an answer.", fg="yellow")

    def require_none_refused(self) -> None:
        """Raise the `Failure` of a command during which something was refused."""
        if self._refused:
            advice = "" if self._asked else "; run it in a terminal to be asked, or with --auto-approve"
            raise Failure(f"Not allowed to run {', '.join(self._refused)}{advice}", ExitCode.APPROVAL)

    def _ask(self, call: ToolCallEvent) -> bool:
        """Shows the call whole: nobody can decide about half of a query."""
        if not can_ask():
            return False
        self._asked = True
        name = one_line(call.tool_name or "a tool without a name", self._output.secret)
        arguments = "" if call.input is None else json_text(call.input, self._output.secret)
        self._output.block(f"Kai wants to run {name} {arguments}".rstrip())
        answer = read_line("Allow it? [y/N] ")
        return answer is not None and answer.strip().lower() in {"y", "yes"}
