"""Recorded streams through `SSEStreamParser`, in every way that it can be fed."""

import dataclasses
from collections.abc import AsyncIterator
from typing import Any

import pytest
from transcripts import ANSWERS, RECORDED, Answer, Call

from kai_client.events import SourceDocumentEvent, SSEEvent
from kai_client.sse import EventDecoder, SSEStreamParser, parse_sse_event

every_transcript = pytest.mark.parametrize(("name", "expected"), ANSWERS.items(), ids=ANSWERS.keys())


class Response:
    """A recorded body as a response, in pieces of a few bytes."""

    def __init__(self, name: str) -> None:
        self.headers = {"content-type": "text/event-stream"}
        self.body = (RECORDED / f"{name}.sse").read_bytes()

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body, seven bytes at a time."""
        for start in range(0, len(self.body), 7):
            yield self.body[start : start + 7]


def events_of(name: str) -> list[SSEEvent]:
    """The events of a recorded stream."""
    decoder = EventDecoder()
    return [*decoder.feed((RECORDED / f"{name}.sse").read_bytes()), *decoder.close()]


def parsed(name: str) -> SSEStreamParser:
    """A parser that has processed a recorded stream."""
    parser = SSEStreamParser()
    for event in events_of(name):
        parser.process_event(event)
    return parser


def answer_of(parser: SSEStreamParser) -> Answer:
    """Everything that a parser says, in the form of the table."""
    calls = parser.tool_calls.items()
    return Answer(
        parser.text,
        parser.finish_reason,
        {key: Call(call.tool_name, call.state, call.input, call.output, call.error_text) for key, call in calls},
        (parser.prompt_tokens, parser.completion_tokens, parser.total_tokens),
        parser.reasoning,
        tuple(s.title if isinstance(s, SourceDocumentEvent) else s.url for s in parser.sources),
        tuple(file.url for file in parser.files),
        tuple((event.type, event.data) for event in parser.data),
        tuple(error.message for error in parser.errors),
        parser.aborted,
    )


def expected_of(answer: Answer) -> Answer:
    """What the table expects of a parser, which does not judge whether an answer is whole."""
    return dataclasses.replace(answer, whole=True)


def test_every_recording_is_in_the_table() -> None:
    """No recorded stream is without expectations, and none is missing."""
    assert {path.stem for path in RECORDED.glob("*.sse")} == set(ANSWERS)


@every_transcript
def test_process_event(name: str, expected: Answer) -> None:
    """Text, tool calls, usage, finish reason, reasoning, sources, files, data and errors are those that the stream tells."""
    parser = parsed(name)
    assert answer_of(parser) == expected_of(expected)
    assert parser.finished is (expected.reason is not None)


@every_transcript
def test_terminal(name: str, expected: Answer) -> None:
    """The decoder knows which recorded streams declared their end."""
    decoder = EventDecoder()
    assert [*decoder.feed((RECORDED / f"{name}.sse").read_bytes()), *decoder.close()]
    assert decoder.terminal is expected.whole


@every_transcript
async def test_consume_stream(name: str, expected: Answer) -> None:
    """`consume_stream` yields every event and has taken it in when it does."""
    parser, mirror, seen = SSEStreamParser(), SSEStreamParser(), list[SSEEvent]()
    async for event in parser.consume_stream(Response(name)):
        seen.append(event)
        mirror.process_event(event)
        assert parser.text == mirror.text
    assert seen == events_of(name)
    assert answer_of(parser) == expected_of(expected)


@every_transcript
async def test_consume_stream_silently(name: str, expected: Answer) -> None:
    """With `yield_events=False` nothing is yielded, and everything is taken in."""
    parser = SSEStreamParser()
    assert [event async for event in parser.consume_stream(Response(name), yield_events=False)] == []
    assert answer_of(parser) == expected_of(expected)


@every_transcript
def test_reset(name: str, expected: Answer) -> None:
    """After `reset` nothing is left of the stream before, and the next one is read as by a new parser."""
    parser = parsed("v12_model_error")
    for event in [*events_of("data_and_usage"), *events_of("v6_automatic_no"), *events_of("v13_abort")]:
        parser.process_event(event)
    parser.reset()
    assert answer_of(parser) == Answer(reason=None)
    assert not parser.finished
    assert parser.message == SSEStreamParser().message
    for event in events_of(name):
        parser.process_event(event)
    assert answer_of(parser) == expected_of(expected)


@every_transcript
def test_chunks_again(name: str, expected: Answer) -> None:
    """A stream that is written from its own events says the same: `to_chunk` loses nothing."""
    parser = SSEStreamParser()
    for event in events_of(name):
        parser.process_event(parse_sse_event(event.to_chunk()))
    assert answer_of(parser) == expected_of(expected)
    assert parser.message == parsed(name).message


@every_transcript
def test_message(name: str, expected: Answer) -> None:
    """The message has the same text, and the same state, input, output and error of each call, as the parser tells."""
    message = parsed(name).message
    assert message.role == "assistant"
    assert message.text == expected.text
    parts = {part["toolCallId"]: part for part in message.parts if "toolCallId" in part}
    assert {key: _call(dict(part)) for key, part in parts.items()} == {
        key: call._replace(name=call.name or "") for key, call in expected.calls.items()
    }


def _call(part: dict[str, Any]) -> Call:
    name = part["toolName"] if part["type"] == "dynamic-tool" else part["type"].removeprefix("tool-")
    return Call(name, part["state"], part.get("input"), part.get("output"), part.get("errorText"))
