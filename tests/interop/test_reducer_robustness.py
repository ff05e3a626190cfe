"""Chunks that no server should send: known types with any fields of any values. Nothing of it kills a stream."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager

import pytest
from choices import VALUES
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import JsonValue
from sdk_reducer import JsonObject

from kai_client import KaiStreamError, SSEEvent, SSEStreamParser, parse_sse_event

TYPES = (
    *("start", "start-step", "step-start", "finish-step", "step-end", "reset-step", "finish", "abort", "error"),
    *("text", "text-start", "text-delta", "text-end", "message-metadata", "data-x", "data-usage", "data-", "new"),
    *("reasoning", "reasoning-start", "reasoning-delta", "reasoning-end", "reasoning-part-finish", "reasoning-file"),
    *("source-url", "source-document", "file", "custom", "steering-message", "tool-call", "tool-output-denied"),
    *("tool-input-start", "tool-input-delta", "tool-input-available", "tool-input-error", "tool-output-available"),
    *("tool-output-error", "tool-approval-request", "tool-approval-response"),
)
TEXTS = (
    "id",
    "delta",
    "text",
    "toolCallId",
    "toolName",
    "inputTextDelta",
    "errorText",
    "approvalId",
    "messageId",
    "kind",
)
MORE_TEXTS = ("sourceId", "url", "mediaType", "title", "state", "inputEncoding", "finishReason", "reason", "filename")
OTHERS = (
    "input",
    "output",
    "data",
    "messageMetadata",
    "providerMetadata",
    "toolMetadata",
    "approval",
    "parts",
    "citations",
)
FLAGS = ("dynamic", "providerExecuted", "preliminary", "transient", "approved", "isAutomatic")

APPROVALS: tuple[JsonValue, ...] = ({"id": "0"}, {"id": 5, "approved": "yes"}, {"id": "c1", "approved": True})

values: st.SearchStrategy[JsonValue] = st.sampled_from((*VALUES, *APPROVALS))
ids: st.SearchStrategy[JsonValue] = st.sampled_from(["0", "c1", "", "\ud83d"])
fields = st.dictionaries(
    st.sampled_from((*MORE_TEXTS, *OTHERS, *FLAGS)), ids | values | st.sampled_from([True, False]), max_size=8
)
anything = st.dictionaries(st.sampled_from((*TEXTS, *MORE_TEXTS, *OTHERS, *FLAGS)), ids | values, max_size=6)


def typed(kinds: tuple[str, ...]) -> st.SearchStrategy[JsonObject]:
    """Objects of these types, most of which have whatever field their type requires."""

    def built(kind: str, id_: JsonValue, fields: JsonObject, likely: bool) -> JsonObject:
        return {**(dict.fromkeys(TEXTS, id_) if likely else {}), **fields, "type": kind}

    return st.builds(built, st.sampled_from(kinds), ids, fields | anything, st.sampled_from([True, True, True, False]))


streams = st.lists(typed(TYPES), max_size=12)
parts = typed((*TYPES, "tool-q", "dynamic-tool")) | typed(("tool-q", "dynamic-tool")).map(
    lambda part: {**part, "state": "input-streaming"}
)

LOOKS: tuple[Callable[[SSEStreamParser], object], ...] = (
    *(lambda parser: parser.message.to_dict(), lambda parser: parser.text, lambda parser: parser.reasoning),
    *(lambda parser: parser.tool_calls, lambda parser: parser.sources, lambda parser: parser.files),
    *(lambda parser: parser.data, lambda parser: parser.usage, lambda parser: parser.finish_reason),
    *(lambda parser: parser.metadata, lambda parser: parser.warnings, lambda parser: parser.errors),
)


def events(stream: list[JsonObject]) -> list[SSEEvent]:
    """The events of those chunks that can be read at all; the others are refused as malformed, in no other way."""
    found: list[SSEEvent] = []
    for chunk in stream:
        with only("stream:malformed"):
            found.append(parse_sse_event(chunk))
    return found


@contextmanager
def only(code: str) -> Generator[None]:
    """The block may raise `KaiStreamError` with this code, and nothing else."""
    try:
        yield
    except KaiStreamError as error:
        if error.code != code:
            raise


@settings(max_examples=400, deadline=None)
@example(stream=[], first=[{"type": "data-x", "id": {}, "data": 1}])
@given(stream=streams, first=st.lists(parts, max_size=3))
def test_nothing_kills_a_stream(stream: list[JsonObject], first: list[JsonObject]) -> None:
    """By default no event raises, and everything that can be asked of the parser has an answer after each."""
    parser = SSEStreamParser(message={"id": "0", "role": "assistant", "parts": first})
    for event in events(stream):
        parser.process_event(event)
        for look in LOOKS:
            look(parser)


@settings(max_examples=300, deadline=None)
@given(stream=streams)
def test_strict_refuses_in_one_way(stream: list[JsonObject]) -> None:
    """Strict raises `KaiStreamError` with the code `stream:refused` or nothing."""
    parser = SSEStreamParser(strict=True)
    with only("stream:refused"):
        for event in events(stream):
            parser.process_event(event)
    assert not parser.warnings


@pytest.mark.parametrize("stop", [1, 3, 6])
@given(stream=streams)
@settings(max_examples=50, deadline=None)
def test_snapshots_of_anything_stay(stop: int, stream: list[JsonObject]) -> None:
    """A snapshot is what it was when it was taken, whatever comes after."""
    read = events(stream)
    parser = SSEStreamParser()
    for event in read[:stop]:
        parser.process_event(event)
    early, then = parser.message, parser.message.to_dict()
    for event in read[stop:]:
        parser.process_event(event)
    parser.message.to_dict()
    assert early.to_dict() == then
