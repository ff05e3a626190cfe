"""Who decides about a tool call: the options, the human at the terminal, or nobody, and then the answer is no."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import click

from kai_client import Approval, Denial, KaiBackend, ToolCall, ToolCallEvent
from kai_client._wire import is_object
from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.outcomes import has_run
from kai_client.cli.prompt import can_ask, forget_typed_ahead, read_line
from kai_client.cli.terminal import one_line
from kai_client.types import JsonObject

from .call_view import show_call
from .output import Output

__all__ = ["Decisions", "Rules"]

_HELP: Final = "y - yes, run it\nn - no\nr - no, and tell Kai why\n{edit}a - yes, and do not ask about this tool again in this session"
_EDIT: Final = "e - change the arguments first\n"


@dataclass(slots=True)
class Rules:
    """What is decided without asking. A session changes them: who says "always" is not asked again."""

    everything: bool = False
    tools: set[str] = field(default_factory=set[str])
    read_only: bool = False
    """Nothing that would have to be asked about runs."""

    def approve(self, tool_name: str) -> bool:
        """Whether calls of the tool run without asking."""
        return not self.read_only and (self.everything or tool_name in self.tools)


class Decisions:
    """The policy of one message, and what it has refused."""

    def __init__(self, output: Output, rules: Rules, *, backend: str | None = None) -> None:
        self._output = output
        self._rules = rules
        self._backend = backend
        self._asked = False
        self._refused: dict[str, str] = {}

    def decide(self, call: ToolCall[Any], /) -> Approval | Denial:
        """Whether the call may run. Raises `Failure` for a Ctrl-C, which denies the call."""
        if self._rules.approve(call.tool_name):
            return Approval()
        decision = self._ask(call)
        if isinstance(decision, Denial):
            self._refused[call.tool_call_id] = one_line(call.tool_name or "a tool without a name", self._output.secret)
        return decision

    def settle(self, calls: Mapping[str, ToolCallEvent]) -> None:
        """The answer is over, and `calls` are what became of all calls. Raises a `Failure` if something was refused.

        A tool that ran by itself, without waiting for the answer, was not refused.
        """
        ran = [call_id for call_id in self._refused if has_run(calls.get(call_id))]
        names = [name for call_id, name in self._refused.items() if call_id not in ran]
        for name in [self._refused[call_id] for call_id in ran] if self._asked else []:
            self._output.note(f"{name} did not wait for an answer.", fg="yellow")
        why = "this session only reads" if self._rules.read_only else "nobody can be asked here"
        for name in [] if self._asked else names:
            self._output.note(f"{name} needs approval, and {why}: denied.", fg="yellow")
        if names and self._rules.read_only:
            raise Failure(f"Not allowed to run {', '.join(names)}; --read-only forbids it", ExitCode.APPROVAL)
        if names:
            advice = "" if self._asked else "; run it in a terminal to be asked, or with --approve or --auto-approve"
            raise Failure(f"Not allowed to run {', '.join(names)}{advice}", ExitCode.APPROVAL)

    def _ask(self, call: ToolCall[Any]) -> Approval | Denial:
        if self._rules.read_only:
            return Denial(reason="This session only reads.")
        if not can_ask():
            return Denial(reason="Nobody can be asked here.")
        self._asked = True
        self._output.block("")
        show_call(call, self._output.secret)
        forget_typed_ahead()
        try:
            return self._answer(call)
        except KeyboardInterrupt as error:  # raised where the loop cannot catch it
            raise Failure("Interrupted", ExitCode.INTERRUPTED) from error

    def _answer(self, call: ToolCall[Any], edited: JsonObject | None = None) -> Approval | Denial:
        """Asks until there is an answer; the end of the input is a no."""
        # Only kai-agent takes other arguments (protocol 2.5).
        can_edit = self._backend != KaiBackend.ASSISTANT and call.approval_id is None and is_object(call.input)
        while True:
            answer = read_line(f"Allow it? [y/N/r/{'e/' if can_edit else ''}a/?] ")
            match (answer or "").strip().lower():
                case "y" | "yes":
                    return Approval(updated_input=edited)
                case "a" | "always":
                    self._rules.tools.add(call.tool_name)
                    return Approval(updated_input=edited)
                case "" | "n" | "no":
                    return Denial()
                case "r":
                    return Denial(reason=(read_line("Why not? ") or "").strip() or None)
                case "e" if can_edit:
                    edited = self._edit(call, edited)
                case _:
                    click.echo(_HELP.format(edit=_EDIT if can_edit else ""), err=True)

    def _edit(self, call: ToolCall[Any], edited: JsonObject | None) -> JsonObject | None:
        """The arguments as somebody left them in an editor; as they were before where that is no JSON object."""
        before = call.input if edited is None else edited
        try:
            text = click.edit(json.dumps(before, ensure_ascii=False, indent=2), extension=".json", require_save=True)
            after = before if text is None else _arguments(text)
        except (click.ClickException, OSError, ValueError, RecursionError) as error:
            self._output.note(f"Not changed: {error}", fg="yellow")
            return edited
        if after == before:
            return edited
        show_call(replace(call, input=after), self._output.secret)
        return after


def _arguments(text: str) -> JsonObject:
    """The arguments that `text` is. Raises `ValueError` for what is none, or cannot be sent, such as NaN."""
    arguments: object = json.loads(text)
    if not is_object(arguments):
        raise ValueError("the arguments of a tool are a JSON object")
    Approval(updated_input=arguments)
    return arguments
