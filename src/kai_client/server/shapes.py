"""Chunks in other clothes: those of one major version of the AI SDK (protocol 6), and the legacy ones (4.5)."""

from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias

from kai_client.types import JsonObject

__all__ = ["reshape"]

_Legacy: TypeAlias = Callable[[JsonObject], JsonObject | None]

_SINCE: Final = {
    "tool-approval-request": 6,
    "tool-output-denied": 6,
    "reset-step": 7,
    "reasoning-file": 7,
    "custom": 7,
    "steering-message": 7,
    "tool-approval-response": 7,
}
"""The first major version that knows a chunk type; the others are as old as version 5 (protocol 4.3)."""

_FIELDS_SINCE: Final = {
    ("abort", "reason"): 6,
    ("tool-approval-request", "isAutomatic"): 7,
    ("tool-approval-request", "reason"): 7,
    ("tool-input-start", "title"): 6,
    ("tool-input-available", "title"): 6,
    ("text-end", "citations"): 7,
}


def reshape(
    chunk: JsonObject,
    *,
    shapes: Literal["standard", "legacy"],
    major: Literal[5, 6, 7] | None,
    denial: Literal["chunk", "error", "silent"],
) -> Iterator[JsonObject]:
    """The chunk as this kind of backend writes it: nothing, where it has no such thing."""
    shaped: JsonObject | None = _denied(chunk, denial) if chunk.get("type") == "tool-output-denied" else chunk
    if shaped is not None and major is not None:
        shaped = _of_major(shaped, major)
    if shaped is not None and shapes == "legacy":
        legacy = _LEGACY.get(str(shaped.get("type")))
        shaped = legacy(shaped) if legacy is not None else shaped
    if shaped is not None:
        yield shaped


def _denied(chunk: JsonObject, denial: Literal["chunk", "error", "silent"]) -> JsonObject | None:
    if denial == "silent":
        return None
    if denial == "error":
        return {"type": "tool-output-error", "toolCallId": chunk["toolCallId"], "errorText": "The call was refused."}
    return chunk


def _of_major(chunk: JsonObject, major: int) -> JsonObject | None:
    kind = str(chunk.get("type"))
    if _SINCE.get(kind, 5) > major:
        return None
    return {key: value for key, value in chunk.items() if _FIELDS_SINCE.get((kind, key), 5) <= major}


def _call(state: str, *fields: str) -> _Legacy:
    def shape(chunk: JsonObject) -> JsonObject:
        # The name is told once: it is null when the output is there (protocol 4.5).
        named: JsonObject = {"toolName": chunk.get("toolName")}
        kept: JsonObject = {name: chunk[name] for name in fields if name in chunk}
        return {"type": "tool-call", "toolCallId": chunk["toolCallId"], **named, "state": state, **kept}

    return shape


def _nothing(_: JsonObject) -> None:
    return None


def _request(chunk: JsonObject) -> JsonObject:
    return {**(_call("approval-requested")(chunk) or {}), "approval": {"id": chunk["approvalId"]}}


_LEGACY: Final[dict[str, _Legacy]] = {
    "start": _nothing,
    "start-step": lambda _: {"type": "step-start"},
    "finish-step": lambda _: {"type": "step-end"},
    "text-start": _nothing,
    "text-delta": lambda chunk: {"type": "text", "text": chunk["delta"], "state": "streaming"},
    "text-end": lambda _: {"type": "text", "text": "", "state": "done"},
    "tool-input-start": _call("started"),
    "tool-input-delta": _nothing,
    "tool-input-available": _call("input-available", "input"),
    "tool-input-error": _call("output-error", "input", "errorText"),
    "tool-approval-request": _request,
    "tool-output-available": _call("output-available", "output"),
    "tool-output-error": _call("output-error", "errorText"),
    "tool-output-denied": _call("output-denied"),
    "error": lambda chunk: {"type": "error", "message": chunk["errorText"]},
}
