"""What `SSEStreamParser` makes of events: nothing counted twice, nothing forgotten, nothing that was taken back kept."""

from typing import Any

import pytest
from chunks import ROWS, VALUES, Kind
from hypothesis import given, settings
from hypothesis import strategies as st

from kai_client.events import DataEvent, FinishEvent, ToolApproval
from kai_client.sse import SSEStreamParser, parse_sse_event

Chunk = dict[str, Any]


def parse(*chunks: Chunk) -> SSEStreamParser:
    """A parser that has seen the chunks."""
    parser = SSEStreamParser()
    for chunk in chunks:
        parser.process_event(parse_sse_event(chunk))
    return parser


def counts(prompt: int, completion: int, **more: int) -> Chunk:
    """A usage object."""
    return {"promptTokens": prompt, "completionTokens": completion, **more}


def usage(prompt: int, completion: int, **more: Any) -> Chunk:
    """A `data-usage` chunk."""
    return {"type": "data-usage", "data": counts(prompt, completion), **more}


def finish(prompt: int, completion: int) -> Chunk:
    """A legacy `finish` with usage."""
    return {"type": "finish", "usage": counts(prompt, completion)}


def step(prompt: int, completion: int) -> Chunk:
    """A legacy `finish-step` with usage."""
    return {"type": "finish-step", "usage": counts(prompt, completion)}


USAGE: dict[str, tuple[list[Chunk], tuple[int, int, int]]] = {
    "nothing": ([{"type": "finish"}], (0, 0, 0)),
    "data-usage": ([usage(3, 4)], (3, 4, 7)),
    "finish": ([finish(3, 4)], (3, 4, 7)),
    "steps": ([step(1, 2), step(3, 4)], (4, 6, 10)),
    "steps and finish": ([step(1, 2), step(3, 4), finish(4, 6)], (4, 6, 10)),
    "data-usage and finish": ([finish(4, 6), usage(4, 6)], (4, 6, 10)),
    "data-usage before finish": ([usage(4, 6), finish(4, 6)], (4, 6, 10)),
    "all three": ([step(1, 2), step(3, 4), finish(4, 6), usage(4, 6)], (4, 6, 10)),
    "one id, growing": ([usage(1, 1, id="u"), usage(2, 2, id="u"), usage(4, 6, id="u")], (4, 6, 10)),
    "two ids": ([usage(1, 2, id="a"), usage(3, 4, id="b")], (4, 6, 10)),
    "without ids": ([usage(1, 2), usage(3, 4)], (4, 6, 10)),
    "finish twice": ([finish(1, 2), finish(4, 6)], (4, 6, 10)),
    "transient": ([usage(4, 6, transient=True)], (4, 6, 10)),
    "empty data-usage": ([{"type": "data-usage", "data": None}], (0, 0, 0)),
    "standard finish after usage": ([usage(4, 6), {"type": "finish", "finishReason": "stop"}], (4, 6, 10)),
    "usage in another data part": ([{"type": "data-x", "data": counts(4, 6)}], (0, 0, 0)),
}


@pytest.mark.parametrize(("chunks", "expected"), USAGE.values(), ids=USAGE.keys())
def test_usage(chunks: list[Chunk], expected: tuple[int, int, int]) -> None:
    """Every token is counted once, wherever the backend tells it."""
    parser = parse(*chunks)
    assert (parser.prompt_tokens, parser.completion_tokens, parser.total_tokens) == expected
    found = parser.usage
    assert (found.prompt_tokens, found.completion_tokens, found.total_tokens) == expected


def test_all_counts() -> None:
    """All six counts are kept, missing and null ones are 0, and a told total is believed."""
    told = counts(1, 2, totalTokens=9, cacheReadTokens=3, cacheWriteTokens=4, reasoningTokens=5)
    found = parse({"type": "data-usage", "data": {**told, "completionTokens": None}}).usage
    assert found.model_dump() == {
        "prompt_tokens": 1,
        "completion_tokens": 0,
        "total_tokens": 9,
        "cache_read_tokens": 3,
        "cache_write_tokens": 4,
        "reasoning_tokens": 5,
    }


START: Chunk = {"type": "tool-input-start", "toolCallId": "c", "toolName": "q"}
DELTA: Chunk = {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": "{"}
INPUT: Chunk = {"type": "tool-input-available", "toolCallId": "c", "toolName": "q", "input": {"a": 1}}
BAD: Chunk = {"type": "tool-input-error", "toolCallId": "c", "toolName": "q", "input": 5, "errorText": "bad"}
ASK: Chunk = {"type": "tool-approval-request", "approvalId": "ap", "toolCallId": "c"}
YES: Chunk = {"type": "tool-approval-response", "approvalId": "ap", "approved": True, "reason": "ok"}
NO: Chunk = {"type": "tool-approval-response", "approvalId": "ap", "approved": False}
FAILED: Chunk = {"type": "tool-output-error", "toolCallId": "c", "errorText": "boom"}
DENIED: Chunk = {"type": "tool-output-denied", "toolCallId": "c"}
LEGACY: Chunk = {"type": "tool-call", "toolCallId": "c"}
STEP: Chunk = {"type": "start-step"}


def output(value: Any, **more: Any) -> Chunk:
    """A `tool-output-available` chunk."""
    return {"type": "tool-output-available", "toolCallId": "c", "output": value, **more}


Call = tuple[str | None, str, Any, Any, str | None]

CALLS: dict[str, tuple[list[Chunk], Call]] = {
    "started": ([START], ("q", "started", None, None, None)),
    "being written": ([START, DELTA], ("q", "input-streaming", {}, None, None)),
    "written": ([START, DELTA, INPUT], ("q", "input-available", {"a": 1}, None, None)),
    "answered": ([START, INPUT, output([1])], ("q", "output-available", {"a": 1}, [1], None)),
    "answered in a later step": ([STEP, INPUT, STEP, output(0)], ("q", "output-available", {"a": 1}, 0, None)),
    "answered with null": ([INPUT, output(None)], ("q", "output-available", {"a": 1}, None, None)),
    "preliminary": ([INPUT, output(1, preliminary=True)], ("q", "output-available", {"a": 1}, 1, None)),
    "final after preliminary": (
        [INPUT, output(1, preliminary=True), output(2, preliminary=True), output(3)],
        ("q", "output-available", {"a": 1}, 3, None),
    ),
    "null after preliminary": (
        [INPUT, output(1, preliminary=True), output(None)],
        ("q", "output-available", {"a": 1}, None, None),
    ),
    "failed": ([INPUT, FAILED], ("q", "output-error", {"a": 1}, None, "boom")),
    "failed after preliminary": (
        [INPUT, output(1, preliminary=True), FAILED],
        ("q", "output-error", {"a": 1}, None, "boom"),
    ),
    "a failure taken back": ([INPUT, FAILED, output(2)], ("q", "output-available", {"a": 1}, 2, None)),
    "bad input": ([START, DELTA, BAD], ("q", "output-error", 5, None, "bad")),
    "bad input, then failed": ([START, BAD, FAILED], ("q", "output-error", 5, None, "boom")),
    "asked": ([INPUT, ASK], ("q", "approval-requested", {"a": 1}, None, None)),
    "allowed": ([INPUT, ASK, YES], ("q", "approval-responded", {"a": 1}, None, None)),
    "allowed and answered": ([INPUT, ASK, YES, output(7)], ("q", "output-available", {"a": 1}, 7, None)),
    "denied": ([INPUT, ASK, NO, DENIED], ("q", "output-denied", {"a": 1}, None, None)),
    "renamed": ([START, {**INPUT, "toolName": "q2"}], ("q2", "input-available", {"a": 1}, None, None)),
    "started anew": ([INPUT, output(1), STEP, START], ("q", "started", None, None, None)),
    "written anew": (
        [INPUT, FAILED, STEP, {**INPUT, "input": None}],
        ("q", "input-available", None, None, None),
    ),
    "legacy": (
        [
            {**LEGACY, "state": "started", "toolName": "q"},
            {**LEGACY, "state": "input-available", "input": {"a": 1}},
            {**LEGACY, "state": "output-available", "toolName": None, "output": 2},
        ],
        ("q", "output-available", {"a": 1}, 2, None),
    ),
    "legacy, failed": (
        [{**LEGACY, "state": "input-available", "toolName": "q", "input": 1}, {**LEGACY, "state": "output-error"}],
        ("q", "output-error", 1, None, None),
    ),
    "never announced": ([output(1)], (None, "output-available", None, 1, None)),
    "never announced, failed": ([FAILED], (None, "output-error", None, None, "boom")),
    "never announced, denied": ([DENIED], (None, "output-denied", None, None, None)),
}


@pytest.mark.parametrize(("chunks", "expected"), CALLS.values(), ids=CALLS.keys())
def test_tool_call(chunks: list[Chunk], expected: Call) -> None:
    """A call ends as what came last, with the name and the input that came first."""
    call = parse(*chunks).tool_calls["c"]
    assert (call.tool_name, call.state, call.input, call.output, call.error_text) == expected
    assert (call.type, call.tool_call_id) == ("tool-call", "c")


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ([INPUT], None),
        ([INPUT, ASK], ToolApproval(id="ap")),
        ([INPUT, ASK, YES], ToolApproval(id="ap", approved=True, reason="ok")),
        ([INPUT, ASK, NO, DENIED], ToolApproval(id="ap", approved=False)),
        ([INPUT, ASK, output(1)], ToolApproval(id="ap")),
        ([INPUT, YES], None),
        ([{**LEGACY, "state": "approval-requested", "approval": {"id": "ap"}}, YES, output(1)], "legacy"),
    ],
    ids=["none", "asked", "allowed", "denied", "answered", "nobody asked", "legacy"],
)
def test_approval(chunks: list[Chunk], expected: ToolApproval | str | None) -> None:
    """A call keeps its approval request and the decision about it."""
    approval = parse(*chunks).tool_calls["c"].approval
    if expected == "legacy":
        expected = ToolApproval(id="ap", approved=True, reason="ok")
    assert approval == expected


def test_calls_do_not_mix() -> None:
    """Each decision and each output belongs to its own call, in the order in which the calls appeared."""
    other = {"toolCallId": "d"}
    parser = parse(
        INPUT,
        {**INPUT, **other, "input": 2},
        {**ASK, **other, "approvalId": "ap2"},
        ASK,
        NO,
        output("c"),
        DENIED | other,
    )
    assert list(parser.tool_calls) == ["c", "d"]
    first, second = parser.tool_calls.values()
    assert (first.state, first.input, first.output, first.approval) == (
        "output-available",
        {"a": 1},
        "c",
        ToolApproval(id="ap", approved=False),
    )
    assert (second.state, second.input, second.output, second.approval) == (
        "output-denied",
        2,
        None,
        ToolApproval(id="ap2"),
    )


def test_snapshots() -> None:
    """What a parser returns is a copy: later events do not change it, and changing it changes nothing."""
    parser = parse(INPUT, {"type": "data-x", "id": "1", "data": 1}, {"type": "text", "text": "a"})
    calls, data, message = parser.tool_calls, parser.data, parser.message
    for chunk in (output(1), {"type": "data-x", "id": "1", "data": 2}, {"type": "text", "text": "b"}):
        parser.process_event(parse_sse_event(chunk))
    assert (calls["c"].state, data[0].data, message.text) == ("input-available", 1, "a")
    assert [part.get("data") for part in message.parts if part["type"] == "data-x"] == [1]
    parser.tool_calls.clear()
    parser.data.clear()
    assert (len(parser.tool_calls), len(parser.data), parser.message.text) == (1, 1, "ab")


def test_data_parts() -> None:
    """A data part with an id replaces the one before in its place, others are appended, transient ones are not kept."""
    part = {"type": "data-a", "data": 1}
    parser = parse(
        part | {"id": "1"},
        part,
        part | {"id": "1", "data": 2},
        part | {"type": "data-b", "id": "1", "data": 3},
        part | {"transient": True, "data": 4},
        part | {"id": "1", "transient": True, "data": 5},
        part,
    )
    assert [(event.type, event.id, event.data) for event in parser.data] == [
        ("data-a", "1", 2),
        ("data-a", None, 1),
        ("data-b", "1", 3),
        ("data-a", None, 1),
    ]
    assert all(type(event) is DataEvent for event in parser.data)
    assert [part["data"] for part in parser.message.parts] == [2, 1, 3, 1]


VOID: list[Chunk] = [
    {"type": "text", "text": "void"},
    {"type": "text-delta", "id": "0", "delta": "void"},
    {"type": "reasoning-delta", "id": "0", "delta": "void"},
    INPUT | {"toolCallId": "void"},
    {"type": "source-url", "sourceId": "1", "url": "void"},
    {"type": "source-document", "sourceId": "1", "title": "void", "mediaType": "x"},
    {"type": "file", "url": "void", "mediaType": "x"},
    {"type": "data-void", "data": 1},
    {"type": "data-void", "id": "1", "data": 1},
]


@pytest.mark.parametrize("first_step", [[], [STEP, {"type": "finish-step"}, STEP]], ids=["no steps", "second step"])
@pytest.mark.parametrize("void", VOID, ids=[chunk["type"] for chunk in VOID])
def test_reset_step(void: Chunk, first_step: list[Chunk]) -> None:
    """`reset-step` takes back all that the current step has said, and nothing else."""
    reset = {"type": "reset-step"}
    kept: list[Chunk] = [{"type": "text-delta", "id": "kept", "delta": "kept"}, ASK | {"toolCallId": "kept"}]
    before = [*first_step[:1], *kept, *first_step[1:]] if first_step else []
    parser, expected = parse(*before, void, reset, INPUT), parse(*before, INPUT)
    for name in ("text", "reasoning", "tool_calls", "sources", "files", "data"):
        assert getattr(parser, name) == getattr(expected, name), name
    assert parser.message == expected.message


def test_legacy_text_belongs_to_its_step() -> None:
    """Legacy text after the begin of a step is a part of that step, although no chunk closed the text before."""
    parser = parse(
        STEP, {"type": "text", "text": "a"}, STEP, {"type": "text", "text": "b"}, {"type": "text", "text": "c"}
    )
    assert [part.get("text") for part in parser.message.parts] == [None, "a", None, "bc"]


def test_reset_step_forgets_a_replacement() -> None:
    """A data part of a void step is no longer there to be replaced."""
    part = {"type": "data-x", "id": "1", "data": 1}
    parser = parse(STEP, part, {"type": "reset-step"}, part | {"data": 2})
    assert [event.data for event in parser.data] == [2]
    assert [part.get("data") for part in parser.message.parts] == [None, 2]


METADATA: dict[str, tuple[list[Any], Any]] = {
    "none": ([], None),
    "deep": (
        [{"a": {"x": 1}, "l": [1, 2]}, {"a": {"y": 2}, "l": [3]}, {"a": {"x": None}}],
        {"a": {"x": None, "y": 2}, "l": [3]},
    ),
    "null changes nothing": ([{"a": 1}, None], {"a": 1}),
    "null after null": ([None, None], None),
    "object over scalar": ([{"a": 1}, {"a": {"b": 2}}], {"a": {"b": 2}}),
    "scalar over object": ([{"a": {"b": 2}}, {"a": 1}], {"a": 1}),
    "a text, spread by its UTF-16 units": ([{"a": 1}, "b🐎"], {"a": 1, "0": "b", "1": "\ufffd", "2": "\ufffd"}),
    "forbidden keys": ([{"a": 1}, {"__proto__": 1, "constructor": 2, "prototype": 3, "b": 4}], {"a": 1, "b": 4}),
}


@pytest.mark.parametrize(("pieces", "expected"), METADATA.values(), ids=METADATA.keys())
def test_metadata(pieces: list[Any], expected: Any) -> None:
    """Metadata from `start`, `message-metadata` and `finish` is merged deeply (protocol 5.5)."""
    types = ["start", "message-metadata", "finish"]
    parser = parse(*({"type": kind, "messageMetadata": piece} for kind, piece in zip(types, pieces, strict=False)))
    assert parser.message.metadata == expected
    assert parser.message.model_dump_json()


def test_ends() -> None:
    """Only `finish` finishes; a step's end, an abort and an error do not."""
    for chunk in ({"type": "finish-step"}, {"type": "abort"}, {"type": "error"}, {"type": "step-end"}):
        assert not parse(chunk).finished
        assert parse(chunk).finish_reason is None
    parser = SSEStreamParser()
    parser.process_event(FinishEvent(finish_reason="length"))
    assert (parser.finished, parser.finish_reason) == (True, "length")


@settings(deadline=None)
@given(st.data())
def test_any_order(data: st.DataObject) -> None:
    """Any chunks in any order are taken in: a parser never raises for an event that does not fit."""
    values: dict[Kind, st.SearchStrategy[Any]] = {**VALUES, "text": st.sampled_from(["0", "c", "ap", ""])}
    parser = SSEStreamParser()
    for row in data.draw(st.lists(st.sampled_from(ROWS), max_size=12)):
        fields = {name: data.draw(values[kind]) for name, kind in row.fields.items()}
        parser.process_event(parse_sse_event({"type": row.chunk, **fields}))
    assert parser.message.model_dump_json()
    assert parser.total_tokens >= 0
    parser.reset()
    assert parser.tool_calls == {}


def test_deep_values() -> None:
    """Deeply nested values are taken in: no recursion error, no serializer's error, no warning."""
    value: Any = {}
    for _ in range(600):
        value = {"a": value}
    parser = parse(
        {"type": "start", "messageMetadata": value},
        {"type": "data-x", "data": value},
        INPUT | {"input": value},
        output(value),
        {"type": "finish", "messageMetadata": value},
    )
    assert parser.finished
    assert len(parser.message.parts) == 2


LEGACY_CALLS: dict[str, tuple[list[Chunk], Call]] = {
    "name comes later": (
        [{**LEGACY, "state": "started"}, {**LEGACY, "state": "input-available", "toolName": "q"}],
        ("q", "input-available", None, None, None),
    ),
    "done with an output": (
        [{**LEGACY, "toolName": "q", "state": "done", "output": [1]}],
        ("q", "output-available", None, [1], None),
    ),
    "done without one": ([{**LEGACY, "toolName": "q", "state": "done"}], ("q", "input-available", None, None, None)),
    "streaming after an output": (
        [{**LEGACY, "toolName": "q", "state": "output-available", "output": 1}, {**LEGACY, "state": "streaming"}],
        ("q", "output-available", None, 1, None),
    ),
    "a state that nobody knows": ([{**LEGACY, "toolName": "q", "state": "queued"}], ("q", "queued", None, None, None)),
}


@pytest.mark.parametrize(("chunks", "expected"), LEGACY_CALLS.values(), ids=LEGACY_CALLS.keys())
def test_legacy_call(chunks: list[Chunk], expected: Call) -> None:
    """A legacy call (protocol 4.5) is never lost, whatever its state is called, and takes its name when it comes."""
    call = parse(*chunks).tool_calls["c"]
    assert (call.tool_name, call.state, call.input, call.output, call.error_text) == expected
