"""The reducer's golden vectors (protocol 5.8), and what a message promises beside being right."""

import copy
import pickle
from typing import Any, NamedTuple

import pytest
from pydantic import ValidationError

from kai_client import (
    KaiStreamError,
    SSEStreamParser,
    ToolInputAvailableUIPart,
    UIMessage,
    UnknownUIPart,
    parse_sse_event,
)
from kai_client.accumulator import Accumulator
from kai_client.message import DataUIPart, TextUIPart

Chunk = dict[str, Any]
Part = dict[str, Any]

STEP: Chunk = {"type": "start-step"}
STEP_END: Chunk = {"type": "finish-step"}
STEP_START: Part = {"type": "step-start"}
RESET: Chunk = {"type": "reset-step"}
ASK: Chunk = {"type": "tool-approval-request", "approvalId": "ap1", "toolCallId": "c1"}
YES: Chunk = {"type": "tool-approval-response", "approvalId": "ap1", "approved": True, "reason": "go"}
DENIED: Chunk = {"type": "tool-output-denied", "toolCallId": "c1"}
ERROR: Chunk = {"type": "error", "errorText": "boom"}
Q: Part = {"type": "tool-q", "toolCallId": "c1"}
MCP: Part = {"type": "dynamic-tool", "toolName": "q", "toolCallId": "c1"}
IN: Part = {"input": {"a": 1}}


def start(message_id: str) -> Chunk:
    """The message gets its id."""
    return {"type": "start", "messageId": message_id}


def open_text(text_id: str = "0") -> Chunk:
    """A text begins."""
    return {"type": "text-start", "id": text_id}


def delta(text: str, text_id: str = "0") -> Chunk:
    """A text goes on."""
    return {"type": "text-delta", "id": text_id, "delta": text}


def end_text(text_id: str = "0") -> Chunk:
    """A text ends."""
    return {"type": "text-end", "id": text_id}


def writes(name: str = "q", **fields: Any) -> Chunk:
    """The model begins to write a call."""
    return {"type": "tool-input-start", "toolCallId": "c1", "toolName": name, **fields}


def piece(text: str) -> Chunk:
    """The call's input goes on."""
    return {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": text}


def call(name: str = "q", **fields: Any) -> Chunk:
    """The call is written: `ia` of the table."""
    return {"type": "tool-input-available", "toolCallId": "c1", "toolName": name, **IN, **fields}


def output(value: Any, **fields: Any) -> Chunk:
    """The tool answers: `oa` of the table."""
    return {"type": "tool-output-available", "toolCallId": "c1", "output": value, **fields}


def failed(text: str) -> Chunk:
    """The tool fails."""
    return {"type": "tool-output-error", "toolCallId": "c1", "errorText": text}


def data(kind: str, value: Any, **fields: Any) -> Chunk:
    """A data part, and the chunk that brings it."""
    return {"type": f"data-{kind}", "data": value, **fields}


def said(text: str, state: str = "streaming") -> Part:
    """A text part."""
    return {"type": "text", "text": text, "state": state}


class Vector(NamedTuple):
    """A row of the table."""

    chunks: list[Chunk]
    parts: list[Part]
    snapshots: int
    message: dict[str, Any] | None = None
    message_id: str = ""


DONE: Part = {**Q, "state": "output-available", **IN}
ANSWERED: Part = {**Q, "state": "approval-responded", **IN, "approval": {"id": "ap1", "approved": True}}

# What version 7 makes of them, whose reducer ours is; the table's other majors are tests/interop's.
VECTORS = {
    "G1": Vector(
        [start("m1"), STEP, open_text(), delta("He"), delta("llo"), end_text(), STEP_END, {"type": "finish"}],
        [STEP_START, said("Hello", "done")],
        5,
        message_id="m1",
    ),
    "G2": Vector([open_text(), delta("x")], [said("x")], 2),
    "G3": Vector(
        [writes(), piece('{"a":"hel')],
        [{**Q, "state": "input-streaming", "input": {"a": "hel"}, "rawInput": '{"a":"hel'}],
        2,
    ),
    "G4": Vector([call(), output({"ok": True})], [{**DONE, "output": {"ok": True}}], 2),
    "G5": Vector(
        [call(), output("p1", preliminary=True), output("p2", preliminary=True), output("done")],
        [{**DONE, "output": "done"}],
        4,
    ),
    "G6": Vector(
        [writes(dynamic=True), call()],
        [{**MCP, "state": "input-streaming"}, {**Q, "state": "input-available", **IN}],
        2,
    ),
    "G7": Vector([call(dynamic=True), output(1)], [{**MCP, "state": "output-available", **IN, "output": 1}], 2),
    "G8": Vector([call(), ASK], [{**Q, "state": "approval-requested", **IN, "approval": {"id": "ap1"}}], 2),
    "G9": Vector(
        [call(), ASK, YES, output(1)],
        [{**DONE, "output": 1, "approval": {"id": "ap1", "approved": True, "reason": "go"}}],
        4,
    ),
    "G10": Vector([call(), ASK, DENIED], [{**Q, "state": "output-denied", **IN, "approval": {"id": "ap1"}}], 3),
    "G11": Vector(
        [start("m1"), output(1), STEP, open_text(), delta("done"), end_text()],
        [STEP_START, {**ANSWERED, "state": "output-available", "output": 1}, STEP_START, said("done", "done")],
        5,
        message={"id": "m1", "role": "assistant", "parts": [STEP_START, ANSWERED]},
        message_id="m1",
    ),
    "G12": Vector(
        [start("m2"), open_text(), delta("done")],
        [said("done")],
        3,
        message={"id": "m1", "role": "assistant", "parts": [said("old", "done")]},
        message_id="m2",
    ),
    "G13": Vector(
        [
            *(data("x", {"a": 1, "b": 2}, id="d1"), data("x", {"a": 3}, id="d1")),
            *(data("x", 1), data("x", 2), data("x", 3, transient=True)),
        ],
        [data("x", {"a": 3}, id="d1"), data("x", 1), data("x", 2)],
        4,
    ),
    "G14": Vector([open_text(), delta("a"), ERROR, delta("b")], [said("ab")], 3),
    "G15": Vector(
        [STEP, call(), output(1), STEP_END, STEP, call(input={"a": 2}), output(2)],
        [STEP_START, {**DONE, "output": 1}, STEP_START, {**DONE, "input": {"a": 2}, "output": 2}],
        4,
    ),
    "G16": Vector([STEP, call(), STEP_END, STEP, output(1)], [STEP_START, {**DONE, "output": 1}, STEP_START], 2),
    "G17": Vector(
        [
            writes(providerExecuted=True),
            call(providerMetadata={"p": {"k": "i"}}),
            output(1, providerMetadata={"p": {"k": "o"}}),
        ],
        [
            {**DONE, "output": 1, "providerExecuted": True}
            | {"callProviderMetadata": {"p": {"k": "i"}}, "resultProviderMetadata": {"p": {"k": "o"}}}
        ],
        3,
    ),
    "G18": Vector(
        [STEP, open_text(), delta("a"), RESET, open_text(), delta("b")],
        [STEP_START, said("b")],
        5,
    ),
    "G19": Vector(
        [writes(inputEncoding="text"), piece("SELECT 1"), piece("+1")],
        [
            {**Q, "state": "input-streaming", "inputEncoding": "text"}
            | {"input": "SELECT 1+1", "rawInput": "SELECT 1+1"}
        ],
        3,
    ),
    "G20": Vector([open_text(), delta("a"), open_text(), delta("b")], [said("a"), said("b")], 4),
    "G21": Vector(
        [writes("q"), call("q2")], [{"type": "tool-q2", "toolCallId": "c1", "state": "input-available", **IN}], 2
    ),
    "G22": Vector([open_text(), delta("a"), {"type": "abort"}], [said("a")], 2),
    "G23": Vector([call(), failed("no"), output(1)], [{**DONE, "output": 1}], 3),
    "G24": Vector(
        [writes(), piece('{"a":1}'), call(), output(1), piece(" ")],
        [{**Q, "state": "input-streaming", **IN, "rawInput": '{"a":1} '}],
        5,
    ),
}


@pytest.mark.parametrize("vector", VECTORS.values(), ids=VECTORS)
def test_golden_vector(vector: Vector) -> None:
    """Each of the 24 vectors gives the parts, the id and the number of snapshots that the AI SDK gives, without a warning."""
    message = vector.message
    answer = Accumulator(UIMessage.from_dict(message) if message else None, strict=True)
    snapshots = sum(answer.apply(parse_sse_event(chunk)) for chunk in vector.chunks)
    assert answer.message.to_dict() == {"id": vector.message_id, "role": "assistant", "parts": vector.parts}
    assert snapshots == vector.snapshots
    assert answer.warnings == []


def test_error_is_reported_beside_the_text() -> None:
    """The error of G14 is reported once, and the message goes on."""
    parser = parsed(*VECTORS["G14"].chunks)
    assert [error.message for error in parser.errors] == ["boom"]


MESSAGE: dict[str, Any] = {
    "id": "m1",
    "role": "assistant",
    "metadata": {"model": None},
    "createdAt": "2026-01-01",
    "parts": [
        STEP_START,
        {**said("Hi", "done"), "providerMetadata": {"p": {"k": None}}},
        {"type": "text", "text": "absent state"},
        {"type": "reasoning", "id": "r", "text": "", "state": "streaming"},
        {**Q, "state": "input-streaming", "rawInput": "{", "input": {}},
        {**Q, "state": "output-available", "input": None, "output": None, "preliminary": False},
        {**MCP, "state": "output-error", "errorText": "no", "rawInput": None},
        {**ANSWERED, "approval": {"id": "ap1", "approved": False, "inputSchemaInput": None, "new": 1}},
        {"type": "data-x", "data": None, "id": "d", "more": [None]},
        {"type": "data-y"},
        {"type": "from-the-future", "snake_case": 1, "items": [], "nested": {"type": "text"}},
        {"type": "tool-q", "state": "state-of-the-future", "toolCallId": "c1"},
        {"type": "text", "text": {"not": "a string"}},
    ],
}


def parsed(*chunks: Chunk, message: dict[str, Any] | None = None) -> SSEStreamParser:
    """A parser that has taken these chunks in."""
    parser = SSEStreamParser(message=message)
    for chunk in chunks:
        parser.process_event(parse_sse_event(chunk))
    return parser


def test_round_trip() -> None:
    """A message goes in and comes out key for key: absent stays absent, null stays null, unknown parts survive."""
    assert UIMessage.from_dict(MESSAGE).to_dict() == MESSAGE
    assert parsed(message=MESSAGE).message.to_dict() == MESSAGE
    assert UIMessage.from_dict({"id": "u", "role": "user", "parts": []}).to_dict() == {
        "id": "u",
        "role": "user",
        "parts": [],
    }


def test_unknown_parts_survive() -> None:
    """A part of an unknown type, state or shape is an `UnknownUIPart` that keeps everything, also in an answer that goes on."""
    message = parsed(start("m1"), output(1), message=MESSAGE).message
    kinds = [type(part).__name__ for part in UIMessage.from_dict(MESSAGE).parts]
    assert kinds[-3:] == [UnknownUIPart.__name__] * 3
    assert kinds[-5:-3] == [DataUIPart.__name__] * 2
    assert [part for part in message.to_dict()["parts"] if part not in MESSAGE["parts"]] == [  # type: ignore[union-attr]
        {**Q, "state": "output-available", "input": {}, "output": 1}
    ]


def test_parts_are_mappings() -> None:
    """Parts answer as the JSON objects that they are on the wire, with its keys and nothing else."""
    part = parsed(call(providerExecuted=False)).message.parts[0]
    wire = {**Q, "state": "input-available", **IN, "providerExecuted": False}
    assert isinstance(part, ToolInputAvailableUIPart)
    assert part["toolCallId"] == part.tool_call_id == "c1"
    assert (part.get("state"), part.get("output"), part.get("output", 5)) == ("input-available", None, 5)
    assert "type" in part
    assert "tool_call_id" not in part
    assert "output" not in part
    assert dict(part) == {**part} == dict(part.items()) == wire
    assert set(part.keys()) == set(wire)
    assert list(part.values()) == [part[key] for key in part.keys()]  # noqa: SIM118 - the method is the test
    assert part == wire
    with pytest.raises(KeyError, match="output"):
        part["output"]


def test_snapshots_do_not_change() -> None:
    """A snapshot stays what it was, looked at before later events or after."""
    chunks = [*VECTORS["G3"].chunks, piece("lo"), call(), ASK, YES, open_text(), delta("a"), delta("b"), RESET]
    for look_at_once in (True, False):
        parser = SSEStreamParser()
        snapshots: list[UIMessage] = []
        for chunk in chunks:
            parser.process_event(parse_sse_event(chunk))
            snapshots.append(parser.message)
            if look_at_once:
                parser.message.to_dict()
        assert [snapshot.to_dict() for snapshot in snapshots] == [
            parsed(*chunks[: count + 1]).message.to_dict() for count in range(len(chunks))
        ]


def test_messages_are_frozen() -> None:
    """Neither a message nor a part takes an assignment."""
    message = parsed(*VECTORS["G1"].chunks).message
    text = message.parts[1]
    assert isinstance(text, TextUIPart)
    with pytest.raises(ValidationError, match="frozen"):
        message.id = "m2"  # type: ignore[misc]
    with pytest.raises(ValidationError, match="frozen"):
        text.text = "Bye"  # type: ignore[misc]


@pytest.mark.parametrize("lazy", [True, False], ids=["snapshot", "from_dict"])
def test_copies_are_equal(lazy: bool) -> None:
    """A message survives pickling and copying, hashes like its equals, and differs from one that says anything else."""
    message = parsed(message=MESSAGE).message if lazy else UIMessage.from_dict(MESSAGE)
    copies = [pickle.loads(pickle.dumps(message)), copy.copy(message), copy.deepcopy(message), message.model_copy()]
    for other in [*copies, UIMessage.from_dict(MESSAGE), parsed(message=MESSAGE).message]:
        assert other == message
        assert hash(other) == hash(message)
        assert other.to_dict() == MESSAGE
    assert message != UIMessage.from_dict({**MESSAGE, "id": "m2"})
    assert message != UIMessage.from_dict({**MESSAGE, "parts": MESSAGE["parts"][1:]})


def test_pickled_in_the_middle() -> None:
    """A snapshot that nobody has looked at yet is pickled as it was when it was taken."""
    parser = parsed(*VECTORS["G3"].chunks)
    message = parser.message
    parser.process_event(parse_sse_event(piece("lo")))
    assert pickle.loads(pickle.dumps(message)).to_dict()["parts"] == VECTORS["G3"].parts


def test_strict_refuses_and_tolerant_keeps() -> None:
    """A delta that nothing has announced is refused by strict, and by default becomes a part and a warning."""
    strict = SSEStreamParser(strict=True)
    with pytest.raises(KaiStreamError, match="unknown id '7'"):
        strict.process_event(parse_sse_event(delta("lost", "7")))
    tolerant = parsed(delta("kept", "7"), output(1), YES, {"type": "text-end", "id": "8"})
    assert tolerant.text == "kept"
    assert len(tolerant.warnings) == 4
