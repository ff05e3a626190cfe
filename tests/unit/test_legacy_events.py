"""The shapes of older backends (protocol 4.5), and what Kai's own chunks leave out (4.4): each read as the event it means."""

from typing import Any

import pytest

from kai_client import events as ev
from kai_client.exceptions import KaiStreamError
from kai_client.sse import parse_sse_event

Chunk = dict[str, Any]

LEGACY: list[tuple[Chunk, ev.SSEEvent]] = [
    ({"type": "step-start"}, ev.StepStartEvent()),
    ({"type": "text", "text": "Hi", "state": "streaming"}, ev.TextEvent(text="Hi", state="streaming")),
    ({"type": "text", "text": "", "state": "done"}, ev.TextEvent(text="", state="done")),
    ({"type": "error", "message": "no"}, ev.ErrorEvent(message="no")),
    ({"type": "error", "message": "no", "code": "offline:chat"}, ev.ErrorEvent(message="no", code="offline:chat")),
    ({"type": "error", "errorText": "new", "message": "old"}, ev.ErrorEvent(message="new")),
    ({"type": "error", "errorText": None, "message": "old"}, ev.ErrorEvent(message="old")),
    ({"type": "error"}, ev.ErrorEvent(message="Unknown error")),
    ({"type": "error", "message": {"a": 1}, "code": 7}, ev.ErrorEvent(message="Unknown error")),
    ({"type": "finish"}, ev.FinishEvent(finish_reason="stop")),
    ({"type": "finish", "finishReason": None}, ev.FinishEvent(finish_reason="stop")),
    ({"type": "finish", "finishReason": "max_tokens"}, ev.FinishEvent(finish_reason="max_tokens")),
    (
        {"type": "finish", "finishReason": "stop", "usage": {"promptTokens": 3, "completionTokens": None}},
        ev.FinishEvent(finish_reason="stop", usage=ev.UsageInfo(prompt_tokens=3)),
    ),
    ({"type": "finish", "usage": None}, ev.FinishEvent()),
    ({"type": "data-usage"}, ev.UsageEvent(usage=ev.UsageInfo())),
    ({"type": "data-usage", "data": None}, ev.UsageEvent(usage=ev.UsageInfo())),
    (
        {"type": "data-usage", "data": {"promptTokens": 1, "completionTokens": "many", "totalTokens": None}},
        ev.UsageEvent(usage=ev.UsageInfo(prompt_tokens=1)),
    ),
]


@pytest.mark.parametrize(("chunk", "expected"), LEGACY, ids=[str(chunk) for chunk, _ in LEGACY])
def test_normalised(chunk: Chunk, expected: ev.SSEEvent) -> None:
    """A legacy or incomplete chunk is the same event as its current form, field for field."""
    event = parse_sse_event(chunk)
    assert type(event) is type(expected)
    assert event.model_dump() == expected.model_dump()


STATES = [
    "started",
    "input-streaming",
    "input-available",
    "output-available",
    "output-error",
    "output-denied",
    "streaming",
    "done",
    "approval-requested",
    "approval-responded",
    "a-state-of-the-future",
]


@pytest.mark.parametrize("state", STATES)
def test_legacy_tool_call(state: str) -> None:
    """A legacy `tool-call` keeps its state, which is an open string, and may lack its name, input and output."""
    event = parse_sse_event({"type": "tool-call", "toolCallId": "c1", "toolName": None, "state": state})
    assert type(event) is ev.ToolCallEvent
    assert (event.tool_call_id, event.tool_name, event.state) == ("c1", None, state)
    assert (event.input, event.output, event.approval) == (None, None, None)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ({"id": "ap1"}, ev.ToolApproval(id="ap1")),
        ({"id": "ap1", "approved": False, "reason": "no"}, ev.ToolApproval(id="ap1", approved=False, reason="no")),
        ({"id": "ap1", "approved": None}, ev.ToolApproval(id="ap1")),
        ({"id": "ap1", "approved": "yes"}, ev.ToolApproval(id="ap1")),
        ({"id": "ap1", "approved": 1}, ev.ToolApproval(id="ap1")),
        ({"approved": True}, None),
        ({"id": 7, "approved": True}, None),
        ("ap1", None),
        (None, None),
    ],
    ids=str,
)
def test_legacy_approval(sent: Any, expected: ev.ToolApproval | None) -> None:
    """The approval of a legacy `tool-call` is optional: an unreadable one counts as absent, and only true approves."""
    event = parse_sse_event({"type": "tool-call", "toolCallId": "c1", "state": "approval-responded", "approval": sent})
    assert isinstance(event, ev.ToolCallEvent)
    found = event.approval and event.approval.model_dump()
    assert found == (expected and expected.model_dump())


@pytest.mark.parametrize("value", [None, True, 0, 1.5, "SELECT 1", [], ["a", {"b": None}], {"a": {"b": []}}], ids=repr)
@pytest.mark.parametrize(
    ("chunk_type", "name"),
    [
        ("tool-call", "input"),
        ("tool-call", "output"),
        ("tool-input-available", "input"),
        ("tool-input-error", "input"),
        ("tool-output-available", "output"),
    ],
)
def test_any_input_and_output(chunk_type: str, name: str, value: Any) -> None:
    """The input and output of a tool are any JSON."""
    frame = {"toolCallId": "c1", "toolName": "q", "state": "done", "errorText": "no"}
    event = parse_sse_event({"type": chunk_type, **frame, name: value})
    assert getattr(event, name) == value


def nested(depth: int) -> Any:
    """A JSON value that is `depth` arrays deep."""
    value: Any = "core"
    for _ in range(depth):
        value = [value]
    return value


DEEP_CHUNKS: list[Chunk] = [
    {"type": "data-x", "data": nested(800)},
    {"type": "tool-output-available", "toolCallId": "c1", "output": nested(800)},
    {"type": "tool-output-available", "toolCallId": "c1", "dynamic": "spoiled", "output": nested(800)},
    {"type": "text-start", "id": "0", "providerMetadata": {"p": nested(800)}},
    {"type": "start", "messageMetadata": nested(800)},
    {"type": "start", "surprise": nested(800)},
    {"type": "new-type", "data": nested(800)},
]


@pytest.mark.parametrize("chunk", DEEP_CHUNKS, ids=lambda chunk: "-".join(list(chunk)[:3]) + chunk["type"])
def test_deep_value(chunk: Chunk) -> None:
    """A deeply nested value is read and given back, or refused as a `KaiStreamError`: no recursion error, no warning."""
    try:
        event = parse_sse_event(chunk)
    except KaiStreamError:
        return
    assert set(event.to_chunk()) >= set(chunk) - {"dynamic"}
