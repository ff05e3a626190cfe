"""One message and all that follows from it, shown as it comes."""

import asyncio
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from kai_client import ChatStream, KaiClient
from kai_client.cli.exit_codes import ExitCode
from kai_client.cli.failures import exit_code
from kai_client.events.tools import CALL_STATES

from .data import EventLines, NoText, answer_object, end_line, start_line
from .decisions import Decisions, Rules
from .output import Output
from .render import Renderer, TextAndTools
from .spinner import spinning
from .text import AnswerText, DrawnText, RawText

__all__ = ["Conversation", "Format", "Look", "show_end"]


class Format(StrEnum):
    """What stdout gets."""

    TEXT = "text"
    MARKDOWN = "markdown"
    JSON = "json"
    NDJSON = "ndjson"
    EVENTS = "events"
    """`--json-output`, as it was published: the events alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How answers are shown. `drawn`: Markdown is drawn, which only a terminal can show."""

    format: Format = Format.TEXT
    drawn: bool = False
    reasoning: bool = False


@dataclass
class Conversation:
    """A chat under one id. `options` are keywords of `KaiClient.run` that go with every message."""

    client: KaiClient
    chat_id: str
    output: Output
    look: Look
    rules: Rules
    options: dict[str, Any] = field(default_factory=dict[str, Any])

    async def send(self, text: str) -> str:
        """The answer to `text`, shown; its text is returned.

        Raises `KaiError` for an answer that is not whole, `Failure` for one in which a tool was refused.
        """
        decisions = Decisions(self.output, self.rules, backend=self.client.backend)
        stream = self.client.run(self.chat_id, text, approve=decisions.decide, **self.options)
        if self.look.format is Format.NDJSON:
            self.output.data(start_line(self.chat_id))
        failure: BaseException | None = None
        try:
            await self._show(stream)
            decisions.settle(stream.tool_calls)
        except (Exception, asyncio.CancelledError) as error:
            failure = error
            raise
        finally:
            show_end(self.output, self.look, stream, failure)
        return stream.text

    async def _show(self, stream: ChatStream) -> None:
        words = self._words()
        renderer = self._renderer(words)
        try:
            async with spinning(self.output, lambda: "writing" if words.waits else "thinking"), stream:
                async for event in stream:
                    call = stream.tool_calls.get(event.tool_call_id) if isinstance(event, CALL_STATES) else None
                    renderer.show(event, call)
                await stream.get_final_text()
        finally:
            renderer.end()

    def _words(self) -> AnswerText:
        if self.look.format in {Format.JSON, Format.NDJSON, Format.EVENTS}:
            return NoText()
        return DrawnText(self.output) if self.look.drawn else RawText(self.output)

    def _renderer(self, words: AnswerText) -> Renderer:
        if self.look.format in {Format.NDJSON, Format.EVENTS}:
            return EventLines(self.output)
        cites = self.look.format is Format.MARKDOWN
        return TextAndTools(self.output, words, reasoning=self.look.reasoning, cites=cites)


def show_end(output: Output, look: Look, stream: ChatStream | None, failure: BaseException | None) -> None:
    """Where stdout gets data: how it ended. Without a stream, because it never came to asking for one."""
    code = ExitCode.DONE if failure is None else exit_code(failure)
    if look.format is Format.JSON:
        output.data(answer_object(stream, failure, code))
    elif look.format is Format.NDJSON:
        output.data(end_line(stream, failure, code))
