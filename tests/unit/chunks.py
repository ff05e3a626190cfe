"""Every chunk type of the protocol (4.3, 4.4, 4.5) as one row: the table that the tests of events and framing share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

from hypothesis import strategies as st

from kai_client import events as ev

Kind: TypeAlias = Literal["text", "flag", "json", "object", "list", "usage"]
Chunk: TypeAlias = dict[str, Any]

SAMPLES: Final[dict[Kind, Any]] = {
    "text": "a \u2028text",
    "flag": True,
    "json": {"a": [1, None]},
    "object": {"provider": {"key": [1]}},
    "list": [{"type": "text", "text": "x"}],
    "usage": {"promptTokens": 1, "completionTokens": 2, "totalTokens": 3, "reasoningTokens": 1, "more": "x"},
}
"""A value for a field of each kind."""

JSON_VALUES: Final[st.SearchStrategy[Any]] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
"""Any JSON value, lone surrogates left out: a UTF-8 body can carry them as escapes only."""

VALUES: Final[dict[Kind, st.SearchStrategy[Any]]] = {
    "text": st.text(),
    "flag": st.booleans(),
    "json": JSON_VALUES,
    "object": st.dictionaries(st.text(), st.dictionaries(st.text(), JSON_VALUES, max_size=2), max_size=2),
    "list": st.lists(JSON_VALUES, max_size=3),
    "usage": st.dictionaries(st.sampled_from(["promptTokens", "completionTokens", "totalTokens"]), st.integers(0, 99)),
}
"""All values that fit a field of each kind."""

MISFITS: Final[dict[Kind, tuple[Any, ...]]] = {
    "text": (None, 5, True, ["x"], {"a": 1}),
    "flag": (None, 7, "yes", "false", ["x"], {"a": 1}),
    "json": (),
    "object": (None, 5, True, "x", ["x"]),
    "list": (None, 5, True, "x", {"a": 1}),
    "usage": (None, 5, True, "x", ["x"]),
}
"""Values that fit no field of that kind; a `json` field takes anything."""

FITS: Final[Mapping[Kind, type | tuple[type, ...]]] = {
    "text": str,
    "flag": bool,
    "json": object,
    "object": dict,
    "list": list,
    "usage": dict,
}


@dataclass(frozen=True)
class Row:
    """One chunk type: the class and the documented `type` string of its event, and its fields by wire name."""

    chunk: str
    event: type[ev.SSEEvent]
    documented: str
    needs: dict[str, Kind] = field(default_factory=dict[str, Kind])
    """Without these the chunk says nothing: a missing or unreadable one is a `KaiStreamError`."""
    spares: dict[str, Kind] = field(default_factory=dict[str, Kind])
    """Required on the wire, but a liberal reader gets along without (protocol 4.3: "accept a missing input as null")."""
    takes: dict[str, Kind] = field(default_factory=dict[str, Kind])
    """Optional on the wire."""
    renamed: dict[str, str] = field(default_factory=dict[str, str])
    """Wire name -> attribute, where the attribute is not the wire name in snake case."""
    fills: Chunk = field(default_factory=dict[str, Any])
    """What the event says where a spared field is missing."""

    @property
    def fields(self) -> dict[str, Kind]:
        """Every field of the chunk."""
        return {**self.needs, **self.spares, **self.takes}

    @property
    def full(self) -> Chunk:
        """The chunk with every field that it can have."""
        return {"type": self.chunk, **{name: SAMPLES[kind] for name, kind in self.fields.items()}}

    @property
    def least(self) -> Chunk:
        """The chunk with nothing but what it needs."""
        return {"type": self.chunk, **{name: SAMPLES[kind] for name, kind in self.needs.items()}}

    def attribute(self, wire_name: str) -> str:
        """The attribute of the event that holds a field of the chunk."""
        return self.renamed.get(wire_name) or snake(wire_name)


def snake(wire_name: str) -> str:
    """`toolCallId` -> `tool_call_id`."""
    return "".join(f"_{char.lower()}" if char.isupper() else char for char in wire_name)


_PM: Final[dict[str, Kind]] = {"providerMetadata": "object"}
_CALL: Final[dict[str, Kind]] = {"toolCallId": "text"}
_TOOL: Final[dict[str, Kind]] = {"providerExecuted": "flag", "dynamic": "flag", **_PM, "toolMetadata": "object"}
_TITLED: Final[dict[str, Kind]] = {**_TOOL, "title": "text"}
_URL_AND_TYPE: Final[dict[str, Kind]] = {"url": "text", "mediaType": "text"}
_ID: Final[dict[str, Kind]] = {"id": "text"}
_NAME: Final[dict[str, Kind]] = {"toolName": "text"}
_INPUT: Final[dict[str, Kind]] = {"toolName": "text", "input": "json"}
_ERROR: Final[dict[str, Kind]] = {"toolCallId": "text", "errorText": "text"}
_META: Final[dict[str, Kind]] = {"messageMetadata": "json"}

_FRAME: Final = (
    Row("start", ev.StartEvent, "start", takes={"messageId": "text", **_META}),
    Row("start-step", ev.StepStartEvent, "step-start"),
    Row("finish-step", ev.FinishStepEvent, "finish-step"),
    Row("reset-step", ev.ResetStepEvent, "reset-step"),
    Row("finish", ev.FinishEvent, "finish", takes={"finishReason": "text", **_META}),
    Row("abort", ev.AbortEvent, "abort", takes={"reason": "text"}),
    Row("message-metadata", ev.MessageMetadataEvent, "message-metadata", spares=_META),
    Row(
        "error",
        ev.ErrorEvent,
        "error",
        spares={"errorText": "text"},
        renamed={"errorText": "message"},
        fills={"errorText": "Unknown error"},
    ),
)

_TEXT: Final = (
    Row("text-start", ev.TextStartEvent, "text-start", needs=_ID, takes=_PM),
    Row(
        "text-delta",
        ev.TextDeltaEvent,
        "text",
        needs={"delta": "text"},
        spares=_ID,
        takes=_PM,
        renamed={"delta": "text"},
    ),
    Row("text-end", ev.TextEndEvent, "text-end", needs=_ID, takes={**_PM, "citations": "list"}),
    Row("reasoning-start", ev.ReasoningStartEvent, "reasoning-start", needs=_ID, takes=_PM),
    Row("reasoning-delta", ev.ReasoningDeltaEvent, "reasoning-delta", needs={"id": "text", "delta": "text"}, takes=_PM),
    Row("reasoning-end", ev.ReasoningEndEvent, "reasoning-end", needs=_ID, takes=_PM),
    Row("reasoning", ev.ReasoningEvent, "reasoning", needs={"text": "text"}, takes=_PM),
    Row("reasoning-part-finish", ev.ReasoningPartFinishEvent, "reasoning-part-finish"),
)

_CONTENT: Final = (
    Row("reasoning-file", ev.ReasoningFileEvent, "reasoning-file", needs=_URL_AND_TYPE, takes=_PM),
    Row("file", ev.FileEvent, "file", needs=_URL_AND_TYPE, takes=_PM),
    Row(
        "source-url",
        ev.SourceUrlEvent,
        "source-url",
        needs={"sourceId": "text", "url": "text"},
        takes={"title": "text", **_PM},
    ),
    Row(
        "source-document",
        ev.SourceDocumentEvent,
        "source-document",
        needs={"sourceId": "text", "mediaType": "text", "title": "text"},
        takes={"filename": "text", **_PM},
    ),
    Row("custom", ev.CustomEvent, "custom", needs={"kind": "text"}, takes=_PM),
    Row("steering-message", ev.SteeringMessageEvent, "steering-message", needs={"id": "text", "parts": "list"}),
    Row(
        "data-anything-at-all",
        ev.DataEvent,
        "data-anything-at-all",
        spares={"data": "json"},
        takes={"id": "text", "transient": "flag"},
    ),
)

_TOOLS: Final = (
    Row(
        "tool-input-start",
        ev.ToolInputStartEvent,
        "tool-call",
        needs=_CALL,
        spares=_NAME,
        takes={**_TITLED, "inputEncoding": "text"},
    ),
    Row("tool-input-delta", ev.ToolInputDeltaEvent, "tool-input-delta", needs={**_CALL, "inputTextDelta": "text"}),
    Row("tool-input-available", ev.ToolInputAvailableEvent, "tool-call", needs=_CALL, spares=_INPUT, takes=_TITLED),
    Row("tool-input-error", ev.ToolInputErrorEvent, "tool-input-error", needs=_ERROR, spares=_INPUT, takes=_TITLED),
    Row(
        "tool-approval-request",
        ev.ToolApprovalRequestEvent,
        "tool-approval-request",
        needs={"approvalId": "text", **_CALL},
        takes={
            "signature": "text",
            "approvalDescriptor": "json",
            "inputSchemaInput": "json",
            "reason": "text",
            "isAutomatic": "flag",
        },
    ),
    Row(
        "tool-approval-response",
        ev.ToolApprovalResponseEvent,
        "tool-approval-response",
        needs={"approvalId": "text", "approved": "flag"},
        takes={"reason": "text", "providerExecuted": "flag", **_PM},
    ),
    Row(
        "tool-output-available",
        ev.ToolOutputAvailableEvent,
        "tool-call",
        needs=_CALL,
        spares={"output": "json"},
        takes={**_TOOL, "preliminary": "flag"},
    ),
    Row("tool-output-error", ev.ToolOutputErrorEvent, "tool-output-error", needs=_ERROR, takes=_TOOL),
    Row("tool-output-denied", ev.ToolOutputDeniedEvent, "tool-output-denied", needs=_CALL),
)

_KAI: Final = (
    Row(
        "data-usage",
        ev.UsageEvent,
        "data-usage",
        spares={"data": "usage"},
        takes={"id": "text", "transient": "flag"},
        renamed={"data": "usage"},
        fills={"data": {}},
    ),
    *(
        Row(
            f"data-{name}",
            ev.DataEvent,
            f"data-{name}",
            spares={"data": "json"},
            takes={"id": "text", "transient": "flag"},
        )
        for name in ("chat-title", "waiting-status", "appendMessage", "textDelta", "finish")
    ),
)

_LEGACY: Final = (
    Row("text", ev.TextEvent, "text", needs={"text": "text"}, takes={"state": "text"}),
    Row("step-end", ev.StepEndEvent, "step-end"),
    Row(
        "tool-call",
        ev.ToolCallEvent,
        "tool-call",
        needs={**_CALL, "state": "text"},
        takes={"toolName": "text", "input": "json", "output": "json"},
    ),
    Row("finish", ev.FinishEvent, "finish", takes={"finishReason": "text", "usage": "usage"}),
    Row("finish-step", ev.FinishStepEvent, "finish-step", takes={"finishReason": "text", "usage": "usage"}),
)

ROWS: Final[tuple[Row, ...]] = (*_FRAME, *_TEXT, *_CONTENT, *_TOOLS, *_KAI, *_LEGACY)
