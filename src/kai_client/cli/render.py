"""Events as a reader wants them: the text on stdout and the tools on stderr, or one line of JSON for each event."""

import json
from typing import Final, Protocol

from kai_client._wire import to_request
from kai_client.events import (
    FinishEvent,
    ResetStepEvent,
    SSEEvent,
    TextEvent,
    TextStartEvent,
    ToolCallEvent,
    ToolOutputAvailableEvent,
)

from .output import Output
from .terminal import json_line, one_line, short

__all__ = ["EventLines", "Renderer", "TextAndTools"]

_ENDS: Final = {"output-available": "done", "output-error": "failed", "output-denied": "denied"}


class Renderer(Protocol):
    """Shows the events of one answer."""

    def show(self, event: SSEEvent, call: ToolCallEvent | None) -> None:
        """Show an event; `call` is the tool call that it is about, with what earlier events said of it."""
        ...

    def end(self) -> None:
        """The answer is over, whole or not."""
        ...


class EventLines:
    """Each event as a JSON object on a line of stdout: wire names, nothing that is null, ASCII only.

    So no text of the server can reach a terminal as anything but text.
    """

    def __init__(self, output: Output) -> None:
        self._output = output

    def show(self, event: SSEEvent, call: ToolCallEvent | None) -> None:
        """See `Renderer`."""
        del call
        self._output.data(json.dumps(to_request(event)))

    def end(self) -> None:
        """See `Renderer`."""


class TextAndTools:
    """The text as it comes, each tool call as a line on stderr that ends with what became of it."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._any_text = False
        self._new_part = False
        self._begun: set[str] = set()
        self._ended: set[str] = set()

    def show(self, event: SSEEvent, call: ToolCallEvent | None) -> None:
        """See `Renderer`."""
        match event:
            case TextEvent():
                self._text(event.text)
            case TextStartEvent():
                self._new_part = True
            case ResetStepEvent():
                self._output.note("Kai starts this step again; what it said in it is void.", fg="yellow")
            case FinishEvent(finish_reason=("length" | "content-filter") as reason):
                self._output.note(f"The answer was cut off: {reason}.", fg="yellow")
            case ToolOutputAvailableEvent(preliminary=True):
                pass
            case _ if call is not None:
                self._new_part = True
                self._call(call)
            case _:
                pass

    def end(self) -> None:
        """See `Renderer`."""
        self._output.end_answer()

    def _text(self, text: str) -> None:
        if not text:
            return
        if self._new_part and self._any_text:
            # Parts are paragraphs: their texts must not run into each other.
            self._output.answer("\n" if self._output.at_line_start else "\n\n")
        self._new_part = False
        self._any_text = True
        self._output.answer(text)

    def _call(self, call: ToolCallEvent) -> None:
        key, end = call.tool_call_id, _ENDS.get(call.state)
        if end is None:
            if call.state == "input-available" and key not in self._begun:
                self._begun.add(key)
                self._output.begin(key, self._line(call))
        elif key not in self._ended:
            self._ended.add(key)
            line = f"tool {one_line(call.tool_name or '?')}" if key in self._begun else self._line(call)
            reason = (
                f": {short(one_line(call.error_text, self._output.secret))}"
                if end == "failed" and call.error_text
                else ""
            )
            self._output.finish(key, line, f"{end}{reason}")

    def _line(self, call: ToolCallEvent) -> str:
        """A tool call on one line: its name, and its arguments in short."""
        arguments = "" if call.input is None else f" {short(json_line(call.input, self._output.secret))}"
        return f"tool {one_line(call.tool_name or '?')}{arguments}"
