"""Where a message of an older major differs from the one that version 7 builds, whose reducer ours is (protocol 6)."""

from __future__ import annotations

from typing import NamedTuple

from ai_sdk import Expected
from pydantic import JsonValue


class Difference(NamedTuple):
    """One part of one message, in which `older` stands where version 7, and we, have `ours`."""

    major: str
    scenario: str
    part: int
    older: str
    ours: str
    value: JsonValue
    reason: str


_INPUT_ERROR = (
    "protocol 5.3 and 6, tool-input-error: before version 7 the refused input is the rawInput, and input is unset"
)

DIFFERENCES = (
    #          major scenario         part older       ours     value
    Difference("v6", "invalid-input", 1, "rawInput", "input", {"sql": 1, "limit": "many"}, _INPUT_ERROR),
    Difference("v6", "unknown-tool", 1, "rawInput", "input", {"a": 1}, _INPUT_ERROR),
)


def as_version_7(major: str, scenario: str, said: Expected) -> Expected:
    """What the SDK said, as version 7 would have said it; fails where a listed difference is none."""
    said = said.model_copy(deep=True)
    for difference in DIFFERENCES:
        if (difference.major, difference.scenario) != (major, scenario):
            continue
        part = said.parts[difference.part]
        assert part.pop(difference.older) == difference.value, difference.reason
        assert difference.ours not in part, difference.reason
        part[difference.ours] = difference.value
        for call in said.tool_calls:
            if call["toolCallId"] == part["toolCallId"]:
                call[difference.ours] = difference.value
    return said
