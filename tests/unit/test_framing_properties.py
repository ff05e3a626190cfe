"""What holds for any stream: the cut of its bytes changes nothing, and half an emoji never reaches the user."""

import itertools
import json
from collections.abc import Sequence
from typing import Any

import pytest
from chunks import JSON_VALUES, ROWS, VALUES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kai_client.events import SSEEvent
from kai_client.sse import EventDecoder

Chunk = dict[str, Any]
Outcome = tuple[list[SSEEvent], bool, str | None]


def outcome(pieces: Sequence[bytes]) -> Outcome:
    """The events of a body, whether it declared its end, and the code of the error that it ended with."""
    decoder, events = EventDecoder(), list[SSEEvent]()
    for piece in pieces:
        events.extend(decoder.feed(piece))
        if decoder.failure is not None:
            return events, decoder.terminal, decoder.failure.code
    events.extend(decoder.close())
    return events, decoder.terminal, decoder.failure.code if decoder.failure else None


@st.composite
def chunks(draw: st.DrawFn) -> Chunk:
    """A chunk of any type of the protocol, complete, with any fitting values."""
    row = draw(st.sampled_from(ROWS))
    return {"type": row.chunk, **{name: draw(VALUES[kind]) for name, kind in row.fields.items()}}


@st.composite
def frames(draw: st.DrawFn, newline: str) -> str:
    """A chunk in one of the framings that occur, or a line that means nothing."""
    colon, chunk = draw(st.sampled_from(["data: ", "data:"])), draw(chunks())
    pretty = json.dumps(chunk, indent=1, ensure_ascii=False).split("\n")
    choices = {
        "compact": f"{colon}{json.dumps(chunk, ensure_ascii=False)}{newline * 2}",
        "single newline": f"{colon}{json.dumps(chunk, ensure_ascii=False)}{newline}",
        "pretty": "".join(f"{colon}{line}{newline}" for line in pretty) + newline,
        "ascii": f"{colon}{json.dumps(chunk)}{newline * 2}",
        "comment": f": keep-alive{newline}",
        "comment like data": f":data: {{{chr(0x2028)}{newline}",
        "field": f"event: x{newline}",
        "blank": newline,
        "mark": f"{colon}[DONE]{newline * 2}",
        "empty": f"{colon}{newline * 2}",
    }
    return choices[draw(st.sampled_from(list(choices)))]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A body of any frames, with or without a byte order mark, perhaps torn at its end."""
    newline = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = draw(st.sampled_from(["", "\ufeff"])) + "".join(draw(st.lists(frames(newline), max_size=6)))
    body = text.encode()
    return body[: len(body) - draw(st.integers(0, min(3, len(body))))]


@st.composite
def cuts(draw: st.DrawFn, body: bytes) -> list[bytes]:
    """The body in any pieces, empty ones too."""
    places = sorted(draw(st.lists(st.integers(0, len(body)), max_size=12)))
    return [body[start:end] for start, end in zip([0, *places], [*places, len(body)], strict=True)]


@settings(deadline=None)
@given(st.data(), bodies())
def test_any_cut(data: st.DataObject, body: bytes) -> None:
    """Any cut of the same bytes gives the same events, the same end and the same error."""
    expected = outcome([body])
    assert outcome(data.draw(cuts(body))) == expected
    assert outcome([body[i : i + 1] for i in range(len(body))]) == expected


@settings(deadline=None)
@given(st.data(), st.binary(max_size=300))
@example(None, b'data: {"type":"text","text":"\xed\xa0\xbd"}\n\n')
@example(None, b"data: \xef\xbb\xbf[DONE]\r\r\n\rdata")
def test_any_bytes(data: st.DataObject | None, body: bytes) -> None:
    """Any bytes at all are events or a `KaiStreamError`, and the same for any cut."""
    pieces = [body[i : i + 1] for i in range(len(body))] if data is None else data.draw(cuts(body))
    assert outcome(pieces) == outcome([body])


@settings(deadline=None)
@given(st.lists(chunks(), max_size=8), st.sampled_from(["\n", "\r\n", "\r"]), st.sampled_from([1, 2]))
def test_nothing_lost(sent: list[Chunk], newline: str, blank_lines: int) -> None:
    """Every chunk that is sent arrives, in order, whether events are separated by a newline or by a blank line."""
    body = "".join(f"data: {json.dumps(chunk, ensure_ascii=False)}{newline * blank_lines}" for chunk in sent)
    events, _, error = outcome([body.encode()])
    assert error is None
    assert [event.to_chunk()["type"] for event in events] == [chunk["type"] for chunk in sent]


@settings(deadline=None)
@given(JSON_VALUES, st.booleans())
def test_any_json(value: Any, pretty: bool) -> None:
    """Any JSON as a frame is an event or a `KaiStreamError`."""
    lines = json.dumps(value, indent=1 if pretty else None).split("\n")
    events, _, error = outcome(["".join(f"data: {line}\n" for line in lines).encode(), b"\n"])
    assert (len(events), error) in [(1, None), (0, "stream:malformed")]
    assert error is not None or isinstance(value, dict)


# How each kind of delta travels, and the attribute that shows it.
DELTAS = {
    "text-delta": ({"type": "text-delta", "id": "0"}, "delta", "text"),
    "text": ({"type": "text"}, "text", "text"),
    "reasoning-delta": ({"type": "reasoning-delta", "id": "0"}, "delta", "delta"),
    "reasoning": ({"type": "reasoning"}, "text", "text"),
    "tool-input-delta": ({"type": "tool-input-delta", "toolCallId": "c1"}, "inputTextDelta", "input_text_delta"),
}
every_delta = pytest.mark.parametrize(("chunk", "wire", "name"), DELTAS.values(), ids=DELTAS.keys())


def as_javascript_cuts(text: str, places: Sequence[int]) -> list[str]:
    """The text cut between UTF-16 units, as `slice` does in JavaScript: an emoji may be cut in half."""
    units = text.encode("utf-16-le")
    at = [0, *sorted(2 * (place % (len(units) // 2 + 1)) for place in places), len(units)]
    return [units[i:j].decode("utf-16-le", "surrogatepass") for i, j in itertools.pairwise(at)]


def deltas(sent: list[Chunk], name: str) -> list[str]:
    """What the events of the chunks show."""
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in sent).encode()
    events, _, error = outcome([body])
    assert error is None
    return [getattr(event, name) for event in events]


@every_delta
def test_cut_emoji(chunk: Chunk, wire: str, name: str) -> None:
    """An emoji that is cut into two halves over two deltas is one emoji again."""
    shown = deltas([{**chunk, wire: "a\ud83d"}, {**chunk, wire: "\ude00b"}], name)
    assert "".join(shown) == "a\U0001f600b"
    assert all(delta.encode() is not None for delta in shown)


@every_delta
@settings(deadline=None)
@given(st.text(alphabet="a\U0001f600\u00e9\U0010ffff", max_size=12), st.lists(st.integers(0, 99), max_size=6))
def test_cut_anywhere(chunk: Chunk, wire: str, name: str, text: str, places: list[int]) -> None:
    """Wherever JavaScript cuts a text, the deltas make the same text and each of them can be encoded as UTF-8."""
    shown = deltas([{**chunk, wire: piece} for piece in as_javascript_cuts(text, places)], name)
    assert "".join(shown) == text
    assert all(delta.encode() is not None for delta in shown)


@every_delta
@settings(deadline=None)
@given(st.lists(st.text(alphabet="a\ud83d\ude00", max_size=3), max_size=6))
def test_lone_halves(chunk: Chunk, wire: str, name: str, pieces: list[str]) -> None:
    """Halves without their other half never come out: every delta can be encoded as UTF-8."""
    for delta in deltas([{**chunk, wire: piece} for piece in pieces], name):
        delta.encode()


@settings(deadline=None)
@given(st.lists(st.sampled_from("xy"), min_size=2, max_size=8))
def test_interleaved_texts(order: list[str]) -> None:
    """The halves of an emoji find each other when two text parts are written at the same time."""
    halves = {"x": iter("\ud83d\ude00" * 9), "y": iter("\ud83c\udf08" * 9)}
    sent = [{"type": "text-delta", "id": part, "delta": next(halves[part])} for part in order]
    shown = deltas(sent, "text")
    for part, emoji in {"x": "\U0001f600", "y": "\U0001f308"}.items():
        text = "".join(delta for delta, to in zip(shown, order, strict=True) if to == part)
        assert text == emoji * (order.count(part) // 2)


def test_half_stays_in_its_part() -> None:
    """Half an emoji at the end of a text part does not turn up in the next part, though ids restart in every step."""
    sent = [
        {"type": "text-start", "id": "0"},
        {"type": "text-delta", "id": "0", "delta": "a\ud83d"},
        {"type": "text-end", "id": "0"},
        {"type": "start-step"},
        {"type": "text-start", "id": "0"},
        {"type": "text-delta", "id": "0", "delta": "b"},
    ]
    body = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in sent).encode()
    last = outcome([body])[0][-1]
    assert getattr(last, "text") == "b"  # noqa: B009 - the union does not know which event it is
