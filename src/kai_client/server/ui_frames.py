"""Events as the AI SDK in a browser reads them, whichever backend sent them (protocol 4.2, 4.3).

The SDK is a strict peer: an unknown chunk type, a missing field, a finish reason of another vocabulary or a piece of a text
that was never begun ends the whole answer in an error. Kai's backends are not that uniform, and a browser that is given the
rest of an answer in a second response has forgotten which texts were open. Pure.
"""

from collections.abc import Iterator
from typing import Final, Literal

from kai_client.events import SSEEvent
from kai_client.types import Json, JsonObject

from .shapes import reshape
from .wire import STREAM_HEADERS, Framer, WireStyle

__all__ = ["UI_MESSAGE_HEADERS", "UIMessageFrames"]

UI_MESSAGE_HEADERS: Final = STREAM_HEADERS
"""The headers of a response in this format (protocol 4.1)."""

_REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "start": (),
    "start-step": (),
    "finish-step": (),
    "reset-step": (),
    "finish": (),
    "abort": (),
    "message-metadata": (),
    "error": ("errorText",),
    "text-start": ("id",),
    "text-delta": ("id", "delta"),
    "text-end": ("id",),
    "reasoning-start": ("id",),
    "reasoning-delta": ("id", "delta"),
    "reasoning-end": ("id",),
    "reasoning-file": ("url", "mediaType"),
    "source-url": ("sourceId", "url"),
    "source-document": ("sourceId", "mediaType", "title"),
    "file": ("url", "mediaType"),
    "custom": ("kind",),
    "steering-message": ("id",),
    "tool-input-start": ("toolCallId", "toolName"),
    "tool-input-delta": ("toolCallId", "inputTextDelta"),
    "tool-input-available": ("toolCallId", "toolName"),
    "tool-input-error": ("toolCallId", "toolName", "errorText"),
    "tool-approval-request": ("approvalId", "toolCallId"),
    "tool-approval-response": ("approvalId",),
    "tool-output-available": ("toolCallId",),
    "tool-output-error": ("toolCallId", "errorText"),
    "tool-output-denied": ("toolCallId",),
}
"""The chunk types of the SDK, `data-*` aside, and the texts without which it refuses one."""

_ANY_JSON: Final = {
    "input",
    "output",
    "data",
    "messageMetadata",
    "approvalDescriptor",
    "inputSchemaInput",
}
"""Where null is a value. Elsewhere it means "absent", which the SDK must be told by absence."""

_REASONS: Final = {"stop", "length", "content-filter", "tool-calls", "error", "other"}
_REASONS_ELSEWHERE: Final = {"complete": "stop", "max_tokens": "length", "tool_calls": "tool-calls"}

_STATES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "started": ("tool-input-start", ("toolName",)),
    "input-streaming": ("tool-input-start", ("toolName",)),
    "input-available": ("tool-input-available", ("toolName", "input")),
    "output-available": ("tool-output-available", ("output",)),
    "output-error": ("tool-output-error", ("errorText",)),
    "output-denied": ("tool-output-denied", ()),
}
"""The SDK's chunk for each state of a legacy `tool-call`, and the fields that they share."""

_LEGACY_TEXT: Final = "text"
"""The id of the text that a legacy backend writes without one."""


class UIMessageFrames:
    """The bytes of one response in the AI SDK's UI message stream format, event by event.

        frames = UIMessageFrames()
        async for event in client.send_message(chat_id, text):
            send(frames.event(event))
        send(frames.end())

    For web frameworks that `ui_message_response` does not serve; the response needs the headers `UI_MESSAGE_HEADERS`.
    `major` is the newest version of the SDK whose chunks are written; what only a later one knows is left out. A browser with
    version 7 reads what is written for 6.
    """

    def __init__(self, *, major: Literal[6, 7] = 6) -> None:
        self._major: Literal[6, 7] = major
        self._framer = Framer(WireStyle())
        self._open: dict[tuple[str, str], None] = {}
        """The texts and reasonings that were begun and not ended, by kind and id, in order."""
        self._failed = False

    def event(self, event: SSEEvent) -> bytes:
        """The frames for an event; empty for what the SDK does not know, and after an error, which is the last thing it reads."""
        frames: list[bytes] = []
        for standard in _standard(event.to_chunk()):
            if self._failed:
                break
            for chunk in reshape(_without_nulls(standard), shapes="standard", major=self._major, denial="chunk"):
                if _is_known(chunk):
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
            if what == "end" and key not in self._open:
                return
            if what == "delta" and key not in self._open:
                yield from self._framer.chunk({"type": f"{part}-start", "id": key[1]})
            if what == "end":
                del self._open[key]
            else:
                self._open[key] = None
        self._failed = kind == "error"
        yield from self._framer.chunk(chunk)

    def _ended(self) -> Iterator[bytes]:
        """The SDK forgets at the end of a step which texts are open: a piece that follows would be one of nothing."""
        for part, name in self._open:
            yield from self._framer.chunk({"type": f"{part}-end", "id": name})
        self._open.clear()


def _is_known(chunk: JsonObject) -> bool:
    kind = str(chunk["type"])
    if kind.startswith("data-"):
        return "data" in chunk
    required = _REQUIRED.get(kind)
    return required is not None and all(isinstance(chunk.get(name), str) for name in required)


def _without_nulls(chunk: JsonObject) -> JsonObject:
    return {key: value for key, value in chunk.items() if value is not None or key in _ANY_JSON}


def _standard(chunk: JsonObject) -> Iterator[JsonObject]:
    """The chunks of the SDK that say what a chunk of any backend says."""
    match chunk:
        case {"type": "text", "text": str(text), **rest}:
            if text:
                yield {"type": "text-delta", "id": _LEGACY_TEXT, "delta": text}
            if rest.get("state") == "done":
                yield {"type": "text-end", "id": _LEGACY_TEXT}
        case {"type": "tool-call", "state": "approval-requested", "toolCallId": call_id, **rest}:
            if isinstance(rest.get("input"), dict):
                yield {**_of(chunk, "tool-input-available", ("toolName", "input"))}
            approval = rest.get("approval")
            yield {
                "type": "tool-approval-request",
                "approvalId": approval.get("id") if isinstance(approval, dict) else None,
                "toolCallId": call_id,
            }
        case {"type": "tool-call", "state": str(state)}:
            if state in _STATES:
                yield _of(chunk, *_STATES[state])
        case {"type": "step-end"}:
            yield {"type": "finish-step"}
        case {"type": "finish"}:
            yield {**chunk, "finishReason": _reason(chunk.get("finishReason", "stop"))}
        case _:
            yield chunk


def _of(chunk: JsonObject, kind: str, fields: tuple[str, ...]) -> JsonObject:
    return {"type": kind, **{name: chunk[name] for name in ("toolCallId", *fields) if name in chunk}}


def _reason(given: Json) -> str:
    reason = _REASONS_ELSEWHERE.get(given, given) if isinstance(given, str) else "stop"
    return reason if reason in _REASONS else "other"
