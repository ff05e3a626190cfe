"""The events of an answer, shown to a reader: the text, and beside it what Kai does for it."""

import time
from collections.abc import Callable
from typing import Final, Protocol

from kai_client.cli.terminal import json_line, one_line, short
from kai_client.events import (
    FinishEvent,
    ReasoningDeltaEvent,
    ReasoningEndEvent,
    ReasoningEvent,
    ResetStepEvent,
    SourceDocumentEvent,
    SourceUrlEvent,
    SSEEvent,
    TextEvent,
    TextStartEvent,
    ToolCallEvent,
    ToolOutputAvailableEvent,
)

from .output import Output
from .text import AnswerText

__all__ = ["Renderer", "TextAndTools"]

_ENDS: Final = {"output-available": "done", "output-error": "failed", "output-denied": "denied"}


class Renderer(Protocol):
    """Shows the events of one answer."""

    def show(self, event: SSEEvent, call: ToolCallEvent | None) -> None:
        """Show an event; `call` is the tool call that it is about, with what earlier events said of it."""
        ...

    def end(self) -> None:
        """The answer is over, whole or not."""
        ...


class TextAndTools:
    """The text on stdout; on stderr a line for each tool call, reasoning if it is wanted, and the sources at the end.

    On a terminal a call's line ends with the seconds that it took.
    """

    def __init__(
        self,
        output: Output,
        text: AnswerText,
        *,
        reasoning: bool,
        cites: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._output = output
        self._text = text
        self._reasoning = reasoning
        self._cites = cites
        """Whether the sources are a part of the answer."""
        self._clock = clock
        self._begun: dict[str, float] = {}
        self._ended: set[str] = set()
        self._sources: dict[str, str] = {}

    def show(self, event: SSEEvent, call: ToolCallEvent | None) -> None:
        """See `Renderer`."""
        match event:
            case TextEvent():
                if event.text:
                    self._text.write(event.text)
            case TextStartEvent():
                self._text.new_part()
            case ReasoningDeltaEvent() | ReasoningEvent() | ReasoningEndEvent():
                self._think(event)
            case SourceUrlEvent() | SourceDocumentEvent():
                self._cite(event)
            case ResetStepEvent():
                self._output.note("Kai starts this step again; what it said in it is void.", fg="yellow")
            case FinishEvent(finish_reason=("length" | "content-filter") as reason):
                self._output.note(f"The answer was cut off: {reason}.", fg="yellow")
            case ToolOutputAvailableEvent(preliminary=True):
                pass
            case _ if call is not None:
                self._text.new_part()
                self._call(call)
            case _:
                pass

    def end(self) -> None:
        """See `Renderer`."""
        lines = [f"{number}. {one_line(source)}" for number, source in enumerate(self._sources.values(), 1)]
        if lines and self._cites:
            self._text.new_part()
            self._text.write("\n".join(["Sources:", "", *lines]))
        self._text.end()
        for line in ["Sources:", *lines] if lines and not self._cites else []:
            self._output.note(line, dim=True)

    def _think(self, event: ReasoningDeltaEvent | ReasoningEvent | ReasoningEndEvent) -> None:
        if not self._reasoning:
            return
        if isinstance(event, ReasoningEndEvent):
            self._output.thought("\n")
        else:
            self._output.thought(event.text if isinstance(event, ReasoningEvent) else event.delta)

    def _cite(self, event: SourceUrlEvent | SourceDocumentEvent) -> None:
        place = event.url if isinstance(event, SourceUrlEvent) else (event.filename or event.media_type)
        title = f"{event.title} - " if event.title and event.title != place else ""
        self._sources.setdefault(event.source_id, f"{title}{place}")

    def _call(self, call: ToolCallEvent) -> None:
        key, end = call.tool_call_id, _ENDS.get(call.state)
        if end is None:
            if call.state == "input-available" and key not in self._begun:
                self._begun[key] = self._clock()
                self._output.begin(key, self._line(call))
        elif key not in self._ended:
            self._ended.add(key)
            line = f"tool {one_line(call.tool_name or '?')}" if key in self._begun else self._line(call)
            self._output.finish(key, line, f"{end}{self._time(key)}{self._reason(call, end)}")

    def _time(self, key: str) -> str:
        if key not in self._begun or not self._output.stderr_is_terminal:
            return ""
        return f" in {self._clock() - self._begun[key]:.1f} s"

    def _reason(self, call: ToolCallEvent, end: str) -> str:
        if end != "failed" or not call.error_text:
            return ""
        return f": {short(one_line(call.error_text, self._output.secret))}"

    def _line(self, call: ToolCallEvent) -> str:
        """A tool call on one line: its name, and its arguments in short."""
        arguments = "" if call.input is None else f" {short(json_line(call.input, self._output.secret))}"
        return f"tool {one_line(call.tool_name or '?')}{arguments}"
