"""Events as the AI SDK in a browser reads them, whichever backend sent them (protocol 4.2, 4.3, 5.3).

The SDK is a strict peer: an unknown chunk type, a missing field, a finish reason of another vocabulary, a piece of a text that
was never begun or the result of a call that it was never told of ends the whole answer in an error. Kai's backends are not that
uniform, and a browser that is given the rest of an answer in a second response has forgotten which texts were open. Pure.
"""

from collections.abc import Iterator
from typing import Final, Literal

from kai_client.events import SSEEvent
from kai_client.message import UIMessage
from kai_client.types import JsonObject

from .ui_chunks import standard_chunks
from .wire import STREAM_HEADERS, Framer, WireStyle

__all__ = ["UI_MESSAGE_HEADERS", "UIMessageFrames"]

UI_MESSAGE_HEADERS: Final = STREAM_HEADERS
"""The headers of a response in this format (protocol 4.1)."""

_BEGIN_CALLS: Final = {"tool-input-start", "tool-input-available", "tool-input-error"}


class UIMessageFrames:
    """The bytes of one response in the AI SDK's UI message stream format, event by event.

        frames = UIMessageFrames()
        async for event in client.send_message(chat_id, text):
            send(frames.event(event))
        send(frames.end())

    For web frameworks that `ui_message_response` does not serve; the response needs the headers `UI_MESSAGE_HEADERS`.
    `major` is the newest version of the SDK whose chunks are written; what only a later one knows is left out. A browser with
    version 7 reads what is written for 6. `after` is the message that the browser has posted: where it is Kai's, since its tool
    calls were decided about, the events may go on with them.
    """

    def __init__(self, *, major: Literal[6, 7] = 6, after: UIMessage | None = None) -> None:
        self._major: Literal[6, 7] = major
        self._framer = Framer(WireStyle())
        self._told = _Told(after)
        self._texts: dict[tuple[str, str], None] = {}
        """The texts and reasonings that were begun and not ended, by kind and id, in order."""
        self._failed = False

    def event(self, event: SSEEvent) -> bytes:
        """The frames for an event; empty for what the SDK does not know, and after an error, which is the last thing it reads."""
        frames: list[bytes] = []
        for chunk in standard_chunks(event.to_chunk(), self._major):
            if not self._failed and self._told.fits(chunk):
                frames += self._frames(chunk)
        return b"".join(frames)

    def error(self, text: str) -> bytes:
        """The frame of an `error` chunk with this text, which the SDK's user sees; empty after another one."""
        if self._failed:
            return b""
        self._failed = True
        return b"".join(self._framer.chunk({"type": "error", "errorText": text}))

    def comment(self) -> bytes:
        """What is ignored, but shows that the connection lives: `: stream-open` at first, then `: keep-alive`."""
        return b"".join(self._framer.comment())

    def end(self) -> bytes:
        """The last frames: what is still open ends, then `[DONE]`."""
        return b"".join((*([] if self._failed else self._ended()), *self._framer.end()))

    def _frames(self, chunk: JsonObject) -> Iterator[bytes]:
        kind = str(chunk["type"])
        if kind in {"finish-step", "finish", "reset-step"}:
            yield from self._ended()
        part, _, what = kind.partition("-")
        if part in {"text", "reasoning"} and what in {"start", "delta", "end"}:
            key = part, str(chunk["id"])
            if what == "end" and key not in self._texts:
                return
            if what == "delta" and key not in self._texts:
                yield from self._framer.chunk({"type": f"{part}-start", "id": key[1]})
            if what == "end":
                del self._texts[key]
            else:
                self._texts[key] = None
        self._failed = kind == "error"
        yield from self._framer.chunk(chunk)

    def _ended(self) -> Iterator[bytes]:
        """The SDK forgets at the end of a step which texts are open: a piece that follows would be one of nothing."""
        for part, name in self._texts:
            yield from self._framer.chunk({"type": f"{part}-end", "id": name})
        self._texts.clear()


class _Told:
    """What the browser knows of tool calls, and so may be told more of."""

    def __init__(self, after: UIMessage | None) -> None:
        parts = after.tool_parts if after is not None else []
        self._calls = {part.tool_call_id for part in parts}
        self._questions = {part.approval.id for part in parts if part.approval is not None}
        self._of_this_step: set[str] = set()
        self._in_pieces: set[str] = set()
        """The calls whose input comes in pieces."""
        self._begun = False

    def fits(self, chunk: JsonObject) -> bool:
        """Whether the browser can know what this chunk is about; it does from now on, if the chunk itself says so."""
        begun, self._begun = self._begun, self._begun or not str(chunk["type"]).startswith("data-")
        match chunk:
            case {"type": "start"}:  # in the middle it would begin another message
                return not begun
            case {"type": "start-step"}:
                self._of_this_step.clear()
            case {"type": "reset-step"}:  # the browser forgets what the step has said
                self._calls -= self._of_this_step
                self._in_pieces.clear()
            case {"type": "tool-approval-response", "approvalId": str(question)}:
                return question in self._questions
            case {"type": str(kind), "toolCallId": str(call)} if kind.startswith("tool-"):
                return self._knows(chunk, kind, call)
            case _:
                pass
        return True

    def _knows(self, chunk: JsonObject, kind: str, call: str) -> bool:
        if kind == "tool-input-delta":
            return call in self._in_pieces
        if kind in _BEGIN_CALLS:
            self._calls.add(call)
            self._of_this_step.add(call)
        if kind == "tool-input-start":
            self._in_pieces.add(call)
        if kind == "tool-approval-request" and call in self._calls:
            self._questions.add(str(chunk["approvalId"]))
        return call in self._calls
