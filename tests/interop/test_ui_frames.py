"""Whatever Kai sends, a browser with the AI SDK 6 or 7 reads what is relayed: nothing of it ends the answer in an error."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import node_server
import pytest
from ai_sdk import MAJORS
from availability import require
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter
from sdk_reducer import JsonObject
from test_reducer_robustness import streams

from kai_client import (
    KaiStreamError,
    TextDeltaEvent,
    TextEndEvent,
    ToolOutputAvailableEvent,
    UIMessage,
    parse_sse_event,
)
from kai_client.server import UIMessageFrames


class Read(NamedTuple):
    """What the SDK made of a response."""

    message: JsonObject | None
    refused: str | None
    told: str | None


Reader = Callable[[str, bytes], Read]


@contextmanager
def reading() -> Generator[Reader]:
    """The SDK in a process of its own."""
    with (
        node_server.command("page_reader.mjs") as line,
        subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process,
    ):
        stdin, stdout = process.stdin, process.stdout
        assert stdin is not None
        assert stdout is not None

        def read(major: str, body: bytes) -> Read:
            stdin.write(json.dumps({"major": major, "body": body.decode()}).encode() + b"\n")
            stdin.flush()
            return TypeAdapter(Read).validate_python(json.loads(stdout.readline()))

        try:
            yield read
        finally:
            stdin.close()
            process.wait(5)


@pytest.fixture(scope="module")
def read() -> Generator[Reader]:
    """One process for all."""
    require(node_server.unavailable())
    with reading() as reader:
        yield reader


def body_of(chunks: Sequence[JsonObject], major: str) -> bytes:
    """The response for what our client makes of these chunks."""
    frames = UIMessageFrames(major=6 if major == "v6" else 7)
    pieces = [frames.comment()]
    for chunk in chunks:
        try:
            pieces.append(frames.event(parse_sse_event(chunk)))
        except KaiStreamError:
            pieces.append(frames.error("It broke off."))
    return b"".join([*pieces, frames.end()])


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.sampled_from(MAJORS), streams)
def test_the_sdk_refuses_nothing(read: Reader, major: str, chunks: list[JsonObject]) -> None:
    """No sequence of chunks is refused, whatever is in it."""
    assert read(major, body_of(chunks, major)).refused is None


@pytest.mark.parametrize("major", MAJORS)
def test_the_rest_of_an_answer(read: Reader, major: str) -> None:
    """After a message that was posted, the events may go on with its calls; with those of nobody they may not."""
    posted = UIMessage.from_dict(
        {
            "id": "m",
            "role": "assistant",
            "parts": [{"type": "tool-q", "toolCallId": "c1", "state": "approval-responded", "approval": {"id": "a"}}],
        }
    )
    frames = UIMessageFrames(major=6 if major == "v6" else 7, after=posted)
    outputs = [ToolOutputAvailableEvent(tool_call_id=call, output=1) for call in ("c1", "c2")]
    assert [bool(frames.event(output)) for output in outputs] == [True, False]
    assert frames.event(TextEndEvent(id="0")) == b""
    assert frames.event(TextDeltaEvent(id="0", text="So ")).count(b"data: ") == 2
    assert frames.event(TextDeltaEvent(id="0", text="on.")).count(b"data: ") == 1


LEGACY: list[JsonObject] = [
    {"type": "step-start"},
    {"type": "text", "text": "Let me ", "state": "streaming"},
    {"type": "text", "text": "see. ", "state": "done"},
    {"type": "tool-call", "toolCallId": "c1", "toolName": "get_tables", "state": "started"},
    {"type": "tool-call", "toolCallId": "c1", "toolName": "get_tables", "state": "input-available", "input": {"a": 1}},
    {"type": "tool-call", "toolCallId": "c1", "toolName": None, "state": "output-available", "output": []},
    {"type": "step-end"},
    {"type": "text", "text": "None."},
    {"type": "finish", "finishReason": "complete", "usage": None},
]


@pytest.mark.parametrize("major", MAJORS)
def test_the_legacy_dialect(read: Reader, major: str) -> None:
    """The shapes of Kai's older backends become the parts that the SDK would have made of its own."""
    answer = read(major, body_of(LEGACY, major))
    assert answer.refused is None
    assert answer.message is not None
    assert answer.message["parts"] == [
        {"type": "step-start"},
        {"type": "text", "text": "Let me see. ", "state": "done"},
        {"type": "tool-get_tables", "toolCallId": "c1", "state": "output-available", "input": {"a": 1}, "output": []},
        {"type": "text", "text": "None.", "state": "done"},
    ]


@pytest.mark.parametrize("major", MAJORS)
def test_one_error(read: Reader, major: str) -> None:
    """An error is the last thing that is written, and written once, with a text."""
    chunks: list[JsonObject] = [{"type": "error", "message": "Overloaded."}, {"type": "error", "errorText": "Again."}]
    body = body_of([*chunks, {"type": "text-delta", "id": "0", "delta": "More"}], major)
    assert body.count(b"data: ") == 2
    assert read(major, body) == Read(None, None, "Overloaded.")
