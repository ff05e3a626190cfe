"""How an answer looks on the wire: the switches, and the bytes that they make of events (protocol 4.2)."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from kai_client.types import JsonObject

from .gate import Gate
from .shapes import reshape

__all__ = ["STREAM_HEADERS", "Framer", "WireStyle"]

STREAM_HEADERS: Final = {
    "content-type": "text/event-stream",
    "cache-control": "no-cache",
    "connection": "keep-alive",
    "x-vercel-ai-ui-message-stream": "v1",
    "x-accel-buffering": "no",
}
"""What the AI SDK's own helper sends (protocol 4.1)."""

_MYSTERY: Final[JsonObject] = {"type": "mystery-chunk", "value": {"of": ["a", "later", "version"]}}


@dataclass(frozen=True, slots=True, kw_only=True)
class WireStyle:
    """The differences between backends, and their faults, as switches; the defaults are what the AI SDK writes.

    Counts (`drop_after=3`) are of events that were sent before it happens; None means never.
    """

    shapes: Literal["standard", "legacy"] = "standard"
    """Chunks of the AI SDK, or those of protocol 4.5."""
    major: Literal[5, 6, 7] | None = None
    """Write only what this major version of the AI SDK knows; None: whatever the script says."""
    steps: bool = True
    """Whether `start-step` and `finish-step` are written; the agent's stub has none (V14)."""
    denial: Literal["chunk", "error", "silent"] = "chunk"
    """How a refused call shows: `tool-output-denied`, `tool-output-error`, or in the text only (protocol 2.5)."""
    framing: Literal["blank-line", "single-newline"] = "blank-line"
    newline: Literal["\n", "\r\n", "\r"] = "\n"
    space: bool = True
    """Whether a space follows `data:`."""
    bom: bool = False
    multiline: bool = False
    """Write each chunk as several `data:` lines."""
    headers: bool = True
    """Whether the stream has its headers; without, not even a content type (protocol 4.1)."""
    comments: bool = False
    """`: stream-open` first and a comment before every frame."""
    keep_alive: float | None = None
    """Seconds of silence after which `: keep-alive` is written."""
    byte_by_byte: bool = False
    done: bool = True
    """Whether `[DONE]` ends the stream."""
    last_blank_line: bool = True
    unknown_chunk: bool = False
    """A chunk of an unknown type after the first one."""
    malformed_after: int | None = None
    """Something that is not JSON."""
    error_after: int | None = None
    """An `error` chunk, then the end."""
    abort_after: int | None = None
    """An `abort` chunk, then the end."""
    end_after: int | None = None
    """The body ends properly, but nothing says that the answer does."""
    drop_after: int | None = None
    """The connection is cut in the middle of the body."""
    half_after: int | None = None
    """Half of the next event is sent, then the connection is cut."""
    stall_after: int | None = None
    """Nothing more is sent, comments included, until the client leaves; with a `gate`, until it opens."""
    gate: Gate | None = None
    """Without `stall_after` every piece waits here before it is sent: an event, or with `byte_by_byte` a byte."""
    votes: Literal["type", "is-upvoted"] | None = None
    """A bare list of `{type}`, or `{"votes": [{isUpvoted}]}` (protocol 8.2); None: the first for assistant, else the second."""
    mcp: Literal["list", "object"] = "list"
    """The shape of `connectedMcp` (protocol 2.2)."""


class Framer:
    """Turns the chunks of one stream into pieces of its body; each piece is flushed by itself."""

    def __init__(self, style: WireStyle) -> None:
        self._style = style
        self._first = True
        self._invalid: set[object] = set()

    def chunk(self, chunk: JsonObject) -> Iterator[bytes]:
        """The pieces for one chunk, as the style shapes it: none, one or several frames."""
        for shaped in reshape(chunk, shapes=self._style.shapes, major=self._style.major, denial=self._style.denial):
            if self._told_before(shaped):
                continue
            if self._style.steps or shaped["type"] not in {"start-step", "finish-step", "step-start", "step-end"}:
                yield from self.frame(self._json(shaped))

    def _told_before(self, chunk: JsonObject) -> bool:
        """Version 7 ends a call with an invalid input by `tool-input-error` alone (V8)."""
        if self._style.major == 7 and chunk["type"] == "tool-input-error":  # noqa: PLR2004
            self._invalid.add(chunk["toolCallId"])
        return chunk["type"] == "tool-output-error" and chunk["toolCallId"] in self._invalid

    def raw(self, frame: bytes) -> Iterator[bytes]:
        """A frame that came from elsewhere, as it is."""
        return (frame[index : index + 1] for index in range(len(frame))) if self._style.byte_by_byte else iter((frame,))

    def unknown(self) -> Iterator[bytes]:
        """A chunk that no version knows."""
        return self.frame(self._json(_MYSTERY))

    def _json(self, chunk: JsonObject) -> str:
        """Compact, non-ASCII raw: U+2028 and its like are not escaped (protocol 4.2)."""
        indent = 1 if self._style.multiline else None
        separators = None if self._style.multiline else (",", ":")
        return json.dumps(chunk, ensure_ascii=False, separators=separators, indent=indent)

    def frame(self, text: str, *, last: bool = False) -> Iterator[bytes]:
        """One event of the body."""
        style = self._style
        prefix = "data: " if style.space else "data:"
        lines = "".join(f"{prefix}{line}{style.newline}" for line in text.split("\n"))
        blank = style.framing == "blank-line" and not (last and not style.last_blank_line)
        if style.comments:
            yield from self.comment()
        yield from self._pieces(lines + (style.newline if blank else ""))

    def comment(self) -> Iterator[bytes]:
        """A comment, the first of a stream being the SDK's own (protocol 4.2)."""
        text = ": stream-open" if self._first else ": keep-alive"
        yield from self._pieces(text + self._style.newline * 2)

    def end(self) -> Iterator[bytes]:
        """`[DONE]`, if the style has it."""
        return self.frame("[DONE]", last=True) if self._style.done else iter(())

    def _pieces(self, text: str) -> Iterator[bytes]:
        # A script may hold half a surrogate pair, as JavaScript does; it travels the way JavaScript writes it.
        encoded = text.encode("utf-8", "replace")
        if self._first and self._style.bom:
            encoded = b"\xef\xbb\xbf" + encoded
        self._first = False
        if self._style.byte_by_byte:
            return (encoded[index : index + 1] for index in range(len(encoded)))
        return iter((encoded,))
