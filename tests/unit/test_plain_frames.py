"""The quick way and the careful way of the decoder: whatever a chunk looks like, both say the same.

Fed byte by byte the decoder never has a whole plain frame in its hands, so it takes the careful way throughout.
"""

import json
from typing import Any

import pytest
from chunks import JSON_VALUES, ROWS
from chunks import VALUES as ROW_VALUES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kai_client.events import SSEEvent, TextDeltaEvent
from kai_client.sse import EventDecoder

TYPES = ["text-delta", "reasoning-delta", "tool-input-delta", "text-start", "text-end", "finish", "text", "new-thing"]
KEYS = [
    "type",
    "id",
    "delta",
    "text",
    "toolCallId",
    "tool_call_id",
    "inputTextDelta",
    "providerMetadata",
    "state",
    "",
    "x",
]
TEXTS = st.sampled_from(
    ["", "a", "Příliš", "🐎", "\u2028", "\ufeff", '"\\', "[DONE]", "data: x", "\n\ndata: "]
) | st.text(max_size=5)
HALVES = st.sampled_from([r"\ud83d", r"\ude00", r"a\ud83d", r"\ude00b", r"\ud83d\ude00", r"\u0041", r"\r\n"])
VALUES = (
    TEXTS.map(json.dumps)
    | TEXTS.map(lambda text: json.dumps(text, ensure_ascii=False))
    | HALVES.map(lambda escape: f'"{escape}"')
    | st.sampled_from(["null", "5", "true", "[]", "{}", '{"p":{"k":1}}', "NaN", "1e999", "00", "'a'", "nul"])
)
SPACES = st.sampled_from(["", "", "", "", " ", "\t", "\r", "\n", "\r\n"])


@st.composite
def deltas(draw: st.DrawFn) -> str:
    """The JSON text of something like a delta: mostly right, with any key twice, more or less, in any order."""
    kind = draw(st.sampled_from(TYPES))
    usual = {
        "tool-input-delta": [("toolCallId", '"c"'), ("inputTextDelta", draw(VALUES))],
    }.get(kind, [("id", '"0"'), ("delta", draw(VALUES))])
    pairs = [("type", json.dumps(kind)), *usual, *draw(st.lists(st.tuples(st.sampled_from(KEYS), VALUES), max_size=2))]
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    gap = draw(SPACES)
    return "{" + gap + f",{gap}".join(f"{json.dumps(key)}:{gap}{value}" for key, value in pairs) + "}" + draw(SPACES)


@st.composite
def chunks(draw: st.DrawFn) -> str:
    """A chunk of any type of the protocol, some of its fields missing or of another kind."""
    row = draw(st.sampled_from(ROWS))
    values = {name: draw(ROW_VALUES[kind] | JSON_VALUES) for name, kind in row.fields.items()}
    left_out = draw(st.just(set[str]()) | st.sets(st.sampled_from(["", *values])))
    chunk = {"type": row.chunk, **{name: value for name, value in values.items() if name not in left_out}}
    return json.dumps(chunk, ensure_ascii=draw(st.booleans()))


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Frames as most senders write them, and now and then something else."""
    others = st.sampled_from(
        ["data: [DONE]\n\n", ": ping\n\n", "data: \n\n", "data:  \n\n", "event: x\n", "\n", "data: {}\n\n"]
    )
    plain = deltas().map(lambda text: f"data: {text}\n\n")
    odd = deltas().map(lambda text: f"data:{text}\n\n") | deltas().map(lambda text: f"data: {text}\n")
    whole = chunks().map(lambda text: f"data: {text}\n\n")
    return "".join(draw(st.lists(plain | plain | whole | whole | odd | others, max_size=6))).encode()


def said(event: SSEEvent) -> tuple[Any, ...]:
    """All that can be seen of an event."""
    return type(event), event, event.to_chunk(), event.model_fields_set, event.model_extra, repr(event)


def heard(body: bytes, size: int) -> tuple[list[tuple[Any, ...]], bool, bool, str | None]:
    """What a decoder makes of a body in pieces of `size` bytes; at every moment it knows how many events it has yielded."""
    return outcome([body[start : start + size] for start in range(0, len(body), size)])


def outcome(pieces: list[bytes]) -> tuple[list[tuple[Any, ...]], bool, bool, str | None]:
    """What a decoder makes of the pieces; at every moment it knows how many events it has yielded."""
    decoder, events = EventDecoder(), list[tuple[Any, ...]]()
    for piece in (*pieces, None):
        for event in decoder.close() if piece is None else decoder.feed(piece):
            events.append(said(event))
            assert decoder.events_received == len(events)
        if decoder.failure is not None:
            break
    assert decoder.over is (decoder.terminal or decoder.failure is not None)
    return events, decoder.terminal, decoder.silent, str(decoder.failure) if decoder.failure else None


@settings(deadline=None, max_examples=300)
@given(bodies(), st.integers(2, 40))
@example(b'data: {"type":"text-delta","id":"0","delta":"a"}\r\n\n', 7)
@example(b'data: {"type":"text-delta",\n"id":"0","delta":"a"}\n\n', 7)
@example(b'data: {"type":"text-delta","id":"0","delta":"a"}\n\n\xef\xbb\xbfdata: {"type":"finish"}\n\n', 52)
@example(b'data: {"type":"text-delta","id":"0","delta":"\xff"}\n\n', 7)
@example(b'data: {"type":"tool-output-available","toolCallId":"c","output":NaN}\n\n', 7)
@example(
    b'data: {"type":"tool-output-available","toolCallId":"c","output":[1e999,-0.0,1E400,12345678901234567890123]}\n\n',
    7,
)
@example(b'data: {"type":"tool-output-available","toolCallId":"c","output":' + b"[" * 300 + b"]" * 300 + b"}\n\n", 7)
@example(b'data: {"type":"finish","type":"text-delta","id":"0","delta":"a"}\n\n', 7)
def test_both_ways_agree(body: bytes, size: int) -> None:
    """Whole, in pieces or byte by byte: equal events in all that can be seen of them, and the same end."""
    careful = heard(body, 1)
    assert heard(body, max(1, len(body))) == careful
    assert heard(body, size) == careful


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("before", ["x", "N", "I", "Na ", "In ", "x" * 150 + "NI", "x" * 600 + "Na In"])
def test_no_number_is_found_wherever_it_is(word: str, before: str) -> None:
    """Behind any text, with many capitals or few: what is no JSON ends the stream, however it arrives."""
    text = json.dumps({"type": "text-delta", "id": "0", "delta": before * 20})
    body = f'data: {text}\n\ndata: {{"type":"tool-output-available","toolCallId":"c","output":[{word}]}}\n\n'.encode()
    events, terminal, _, failure = heard(body, len(body))
    assert ([each[0] for each in events], terminal, failure is not None) == ([TextDeltaEvent], False, True)
    assert heard(body, 1) == heard(body, len(body))


@settings(deadline=None, max_examples=300)
@given(st.lists(deltas() | chunks(), max_size=5))
def test_a_frame_a_piece(texts: list[str]) -> None:
    """Token by token, each frame a piece of its own: the same events as byte by byte."""
    frames = [f"data: {text}\n\n".encode() for text in texts]
    assert outcome(frames) == heard(b"".join(frames), 1)


@pytest.mark.parametrize("size", [7, 4096, 100_000])
def test_the_bound_counts_on_both_ways(size: int) -> None:
    """An event that is larger than the bound is refused, however it arrives; smaller ones in a larger piece are not."""
    small = b'data: {"type":"text-delta","id":"0","delta":"a"}\n\n'
    large = b'data: {"type":"text-delta","id":"0","delta":"' + b"a" * 300 + b'"}\n\n'
    decoder = EventDecoder(200)
    body, events = small * 20 + large, list[SSEEvent]()
    for start in range(0, len(body), size):
        events.extend(decoder.feed(body[start : start + size]))
    assert len(events) == 20
    assert decoder.failure is not None
    assert decoder.failure.code == "stream:event_too_large"
