"""Messages that a sequence begins with: of the user, or of the assistant and going on."""

from __future__ import annotations

from choices import Choices
from sdk_reducer import JsonObject

STATIC: JsonObject = {"type": "tool-query_data", "toolCallId": "c1"}
DYNAMIC: JsonObject = {"type": "dynamic-tool", "toolName": "mcp", "toolCallId": "c2"}

# What a stored message of any major may hold.
PARTS: tuple[JsonObject, ...] = (
    {"type": "step-start"},
    {"type": "text", "text": "Old.", "state": "done"},
    {"type": "text", "text": "Older"},
    {"type": "reasoning", "text": "Hm", "state": "streaming", "providerMetadata": {"p": {}}},
    {**STATIC, "state": "input-streaming", "rawInput": '{"sql":"SEL', "input": {"sql": "SEL"}},
    {**STATIC, "state": "input-streaming"},
    {**STATIC, "state": "input-available", "input": {"sql": "SELECT 1"}, "providerExecuted": False},
    {**STATIC, "state": "output-available", "input": None, "output": None, "preliminary": True},
    {**STATIC, "toolCallId": "c3", "type": "tool-a-b", "state": "output-error", "rawInput": 5, "errorText": "No"},
    {**DYNAMIC, "state": "input-streaming", "rawInput": "[1", "input": [1]},
    {**DYNAMIC, "state": "input-available", "input": [], "callProviderMetadata": {"p": {"k": 1}}},
    {"type": "data-x", "id": "d1", "data": {"old": True}},
    {"type": "data-x", "id": "d1", "data": "the second of that id"},
    {"type": "file", "url": "data:,", "mediaType": "text/plain", "filename": "a.txt"},
    {"type": "from-the-future", "state": "input-streaming", "id": "d1", "data": None},
)

# What needs approvals (6 and later).
APPROVALS: tuple[JsonObject, ...] = (
    {**STATIC, "state": "approval-requested", "input": {}, "approval": {"id": "ap1", "signature": "s"}},
    {**STATIC, "state": "approval-responded", "input": {}, "approval": {"id": "ap1", "approved": True}},
    {**DYNAMIC, "state": "approval-responded", "input": 1, "approval": {"id": "ap2", "approved": False, "reason": ""}},
    {**DYNAMIC, "state": "output-denied", "input": None, "approval": {"id": "ap1", "approved": False}},
    {**STATIC, "state": "input-streaming", "inputEncoding": "text", "rawInput": "SEL", "title": "T"},
)

MORE: tuple[JsonObject, ...] = ({}, {"metadata": {"a": {"x": 0}}}, {"metadata": None, "createdAt": "2026"})


def first_message(major: int, choices: Choices) -> JsonObject | None:
    """Mostly none."""
    if not choices.chance(3):
        return None
    if choices.chance(5):
        return {"id": "u1", "role": "user", "parts": [{"type": "text", "text": "Hello"}], "metadata": {"a": 1}}
    parts = PARTS + (APPROVALS if major > 5 else ())
    message: JsonObject = {
        "id": choices.pick(("m1", "m2")),
        "role": "assistant",
        "parts": [choices.pick(parts) for _ in range(1 + choices.number(4))],
    }
    return message | choices.pick(MORE)
