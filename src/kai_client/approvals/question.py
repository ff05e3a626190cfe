"""The question about a call, as it stands on a terminal, and what an answer means."""

import json
import sys
from typing import IO, Any, Final

from kai_client._text import visible

from .decisions import NO, YES, Decision, Denial, ToolCall

__all__ = ["NOBODY", "decision_in", "put", "somebody_is_there"]

NOBODY: Final = Denial(reason="Nobody can be asked here.")


def somebody_is_there() -> bool:
    """Whether somebody can read the question and answer it."""
    return _is_terminal(sys.stdin) and _is_terminal(sys.stderr)


def put(call: ToolCall[Any]) -> None:
    """Show the call and ask."""
    sys.stderr.write(f"{_question(call)}\nAllow it? [y/N, or why not] ")
    sys.stderr.flush()


def decision_in(line: str) -> Decision:
    """What an answer decides."""
    answer = line.strip()
    if answer.lower() in {"y", "yes"}:
        return YES
    return NO if answer.lower() in {"", "n", "no"} else Denial(reason=answer)


def _question(call: ToolCall[Any]) -> str:
    """The call whole, with nothing invisible in it: nobody can decide about half of a query."""
    arguments = json.dumps(call.input, ensure_ascii=False, indent=2, default=str)
    shown = "\n".join(visible(line) for line in arguments.split("\n"))
    reason = f" ({visible(call.request_reason)})" if call.request_reason else ""
    return f"Kai wants to run {visible(call.tool_name) or 'a tool without a name'}{reason}: {shown}"


def _is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and stream.isatty()
