"""The chunks of any backend as chunks of the AI SDK: each of them alone passes the SDK's own check (protocol 4.3). Pure."""

from collections.abc import Iterator
from typing import Final, Literal

from kai_client.types import Json, JsonObject

from .shapes import reshape

__all__ = ["standard_chunks"]

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

_VALUES: Final = {
    "tool-input-available": "input",
    "tool-input-error": "input",
    "tool-output-available": "output",
    "message-metadata": "messageMetadata",
}
"""What a server leaves out where it is undefined, and a browser requires."""

_ANY_JSON: Final = {*_VALUES.values(), "data", "approvalDescriptor", "inputSchemaInput"}
"""Where null is a value. Elsewhere it means "absent", which the SDK must be told by absence."""

_REASONS: Final = {"stop", "length", "content-filter", "tool-calls", "error", "other"}
_REASONS_ELSEWHERE: Final = {"complete": "stop", "max_tokens": "length", "tool_calls": "tool-calls"}
_ENCODINGS: Final = ("json", "text")  # no set: the value may be a list

_STATES: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "started": ("tool-input-start", ("toolName",)),
    "input-streaming": ("tool-input-start", ("toolName",)),
    "input-available": ("tool-input-available", ("toolName", "input")),
    "output-available": ("tool-output-available", ("output",)),
    "output-error": ("tool-output-error", ("errorText",)),
    "output-denied": ("tool-output-denied", ()),
}
"""The SDK's chunk for each state of a legacy `tool-call` (protocol 4.5), and the fields that they share."""

_LEGACY_TEXT: Final = "text"
"""The id of the text that a legacy backend writes without one."""


def standard_chunks(chunk: JsonObject, major: Literal[6, 7]) -> Iterator[JsonObject]:
    """What the SDK of this version would have sent in its place: one chunk, several, or none."""
    for translated in _translated(chunk):
        for standard in reshape(_tidy(translated), shapes="standard", major=major, denial="chunk"):
            if _is_known(standard):
                yield standard


def _is_known(chunk: JsonObject) -> bool:
    kind = str(chunk["type"])
    if kind.startswith("data-"):
        return "data" in chunk
    required = _REQUIRED.get(kind)
    return required is not None and all(isinstance(chunk.get(name), str) for name in required)


def _translated(chunk: JsonObject) -> Iterator[JsonObject]:
    match chunk:
        case {"type": "text", "text": str(text), **rest}:
            if text:
                yield {"type": "text-delta", "id": _LEGACY_TEXT, "delta": text}
            if rest.get("state") == "done":
                yield {"type": "text-end", "id": _LEGACY_TEXT}
        case {"type": "tool-call", "state": str(state)}:
            yield from _legacy_call(chunk, state)
        case {"type": "step-end"}:
            yield {"type": "finish-step"}
        case _:
            yield chunk


def _legacy_call(chunk: JsonObject, state: str) -> Iterator[JsonObject]:
    approval = chunk.get("approval")
    if state in _STATES:
        yield _of(chunk, *_STATES[state])
    elif state == "approval-requested" and isinstance(approval, dict):
        if "input" in chunk:
            yield _of(chunk, *_STATES["input-available"])
        yield {"type": "tool-approval-request", "approvalId": approval.get("id"), "toolCallId": chunk["toolCallId"]}


def _of(chunk: JsonObject, kind: str, fields: tuple[str, ...]) -> JsonObject:
    return {"type": kind, **{name: chunk[name] for name in ("toolCallId", *fields) if name in chunk}}


def _tidy(chunk: JsonObject) -> JsonObject:
    """With the values that are required, and without those that are not allowed."""
    kind = str(chunk["type"])
    tidy: JsonObject = {name: value for name, value in chunk.items() if value is not None or name in _ANY_JSON}
    if kind in _VALUES:
        tidy.setdefault(_VALUES[kind], None)
    if kind == "finish":
        tidy["finishReason"] = _reason(chunk.get("finishReason", "stop"))
    if tidy.get("inputEncoding") not in _ENCODINGS:
        tidy.pop("inputEncoding", None)
    if not isinstance(tidy.get("messageMetadata", {}), dict):
        tidy["messageMetadata"] = None  # the SDK merges objects only, and does not look
    metadata = tidy.get("providerMetadata")
    if not (isinstance(metadata, dict) and all(isinstance(each, dict) for each in metadata.values())):
        tidy.pop("providerMetadata", None)
    return tidy


def _reason(given: Json) -> str:
    reason = _REASONS_ELSEWHERE.get(given, given) if isinstance(given, str) else "stop"
    return reason if reason in _REASONS else "other"
