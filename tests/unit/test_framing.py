"""Bytes to events: the framing table of protocol 4.2 (recommended column), each row whole and byte by byte."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable
from typing import TypeAlias

import pytest

from kai_client.events import BaseSSEEvent, SSEEvent
from kai_client.exceptions import KaiStreamError
from kai_client.sse import EventDecoder, parse_sse_stream

A, B = '{"type":"text","text":"A"}', '{"type":"text","text":"B"}'
PRETTY = json.dumps({"type": "data-x", "data": {"list": [1, "{[", 'a "quoted" }'], "b": None}}, indent=1)
BOM = "\ufeff"

Split: TypeAlias = Callable[[bytes], Iterable[bytes]]


def decode(pieces: Iterable[bytes], bound: int = 2**20) -> tuple[list[str], bool]:
    """What the events of a body say, in short, and whether the body declared its end."""
    decoder = EventDecoder(bound)
    found: list[SSEEvent] = []
    for piece in pieces:
        found.extend(decoder.feed(piece))
        if decoder.failure is not None:
            raise decoder.failure
    found.extend(decoder.close())
    assert decoder.events_received == len(found)
    return [shown(event) for event in found], decoder.terminal


def shown(event: BaseSSEEvent) -> str:
    """A text event as its text, others as their chunk."""
    chunk = event.to_chunk()
    return str(chunk["text"]) if chunk["type"] == "text" else json.dumps(chunk, ensure_ascii=False)


def frame(text: str) -> str:
    """A chunk with a text, compact and raw as the AI SDK writes it."""
    return "data: " + json.dumps({"type": "text", "text": text}, ensure_ascii=False)


def piecewise(body: bytes) -> list[bytes]:
    """The body cut between any two bytes."""
    return [bytes([byte]) for byte in body]


def whole(body: bytes) -> list[bytes]:
    """The body in one piece."""
    return [body]


either_way = pytest.mark.parametrize("split", [whole, piecewise])

GOOD: dict[str, tuple[str, list[str]]] = {
    "the AI SDK's": (f"data: {A}\n\ndata: {B}\n\ndata: [DONE]\n\n", ["A", "B"]),
    "no space after the colon": (f"data:{A}\n\ndata:{B}\n\n", ["A", "B"]),
    "one space is stripped": (f"data:  {A}\n\n", ["A"]),
    "CRLF": (f"data: {A}\r\n\r\ndata: {B}\r\n\r\n", ["A", "B"]),
    "CR": (f"data: {A}\r\rdata: {B}\r\r", ["A", "B"]),
    "line ends mixed": (f"data: {A}\r\n\ndata: {B}\n\r", ["A", "B"]),
    "many blank lines": (f"\n\n\ndata: {A}\n\n\n\n\ndata: {B}\n\n\n", ["A", "B"]),
    "single newlines": (f"data: {A}\ndata: {B}\n", ["A", "B"]),
    "single newlines, CRLF": (f"data: {A}\r\ndata: {B}\r\n", ["A", "B"]),
    "single newlines with the mark": (f"data: {A}\ndata: [DONE]\ndata: {B}\n", ["A", "B"]),
    "both styles": (f"data: {A}\ndata: {B}\n\ndata: {A}\n\ndata: {B}\ndata: {A}", ["A", "B", "A", "B", "A"]),
    "BOM": (f"{BOM}data: {A}\n\n", ["A"]),
    "BOM inside a text": (frame(f"x{BOM}y") + "\n\n", [f"x{BOM}y"]),
    "comments": (f": stream-open\n\ndata: {A}\n\n: keep-alive\n\n:\n\n:x\ndata: {B}\n\n", ["A", "B"]),
    "comment between data and blank": (f"data: {A}\n: hi\n\n", ["A"]),
    "comment that looks like data": (f": data: {B}\n\ndata: {A}\n\n", ["A"]),
    "fields to ignore": (f"event: x\nid: 7\nretry: 100\nretry: soon\ndata: {A}\n\n", ["A"]),
    "fields alone": (f"event: x\n\nid: 7\n\nretry: 1\n\ndata: {A}\n\n", ["A"]),
    "fields after the data": (f"data: {A}\nid: a\x00b\nevent: y\n\ndata: {B}\n\n", ["A", "B"]),
    "unknown fields": (f'date: {{\nnonsense\ndata-x: {{"\ndatabase: [\ndata: {A}\n\n', ["A"]),
    "unknown field between single newlines": (f"data: {A}\ndataset: {{\ndata: {B}\ndata: {A}\n\n", ["A", "B", "A"]),
    "Data is another field": (f"Data: {B}\nDATA: {B}\n data: {B}\ndata : {B}\n\ndata: {A}\n\n", ["A"]),
    "the mark in the middle": (f"data: {A}\n\ndata: [DONE]\n\ndata: {B}\n\n", ["A", "B"]),
    "the mark without a space": (f"data: {A}\n\ndata:[DONE]\n\n", ["A"]),
    "the mark as a text": (frame("[DONE]") + "\n\n", ["[DONE]"]),
    "no last blank line": (f"data: {A}\n\ndata: {B}\n", ["A", "B"]),
    "no last line end": (f"data: {A}\n\ndata: {B}", ["A", "B"]),
    "torn last event": (f'data: {A}\n\ndata: {{"type":"te', ["A"]),
    "torn last event, single newlines": (f'data: {A}\ndata: {{"type":"text","text":"B', ["A"]),
    "torn field name": (f"data: {A}\n\ndat", ["A"]),
    "torn mark": (f"data: {A}\n\ndata: [DON", ["A"]),
    "torn pretty JSON": (f'data: {A}\n\ndata: {{\ndata: "type": "text",\n', ["A"]),
    "empty data": (f"data:\n\ndata: \n\ndata\n\ndata: {A}\n\n", ["A"]),
    "empty data line first": (f"data:\ndata: {A}\n\n", ["A"]),
    "empty data line last": (f"data: {A}\ndata:\n\n", ["A"]),
    "no bytes": ("", []),
    "blank body": ("\n\r\n\r", []),
    "comments only": (": keep-alive\n\n", []),
    "white space around JSON": (f"data: \t{A} \n\n", ["A"]),
}


@either_way
@pytest.mark.parametrize(("body", "expected"), GOOD.values(), ids=GOOD.keys())
def test_frames(body: str, expected: list[str], split: Split) -> None:
    """Each framing of protocol 4.2 gives its events, however its bytes are cut."""
    assert decode(split(body.encode()))[0] == expected


@pytest.mark.parametrize("newline", ["\n", "\r", "\r\n"], ids=["LF", "CR", "CRLF"])
@either_way
def test_several_data_lines(split: Split, newline: str) -> None:
    """JSON that is spread over several data lines is one chunk."""
    lines = [f"data: {line}" for line in PRETTY.split("\n")]
    body = newline.join([*lines, "", f"data: {A}", "", ""])
    assert decode(split(body.encode()))[0] == [json.dumps(json.loads(PRETTY)), "A"]


ODD_CHARACTERS = {
    "line separator": "\u2028",
    "paragraph separator": "\u2029",
    "next line": "\x85",
    "delete": "\x7f",
    "no-break space": "\xa0",
    "emoji": "\U0001f600",
    "four bytes": "\U0010ffff",
    "combining": "e\u0301",
    "replacement": "\ufffd",
}


@either_way
@pytest.mark.parametrize("odd", ODD_CHARACTERS.values(), ids=ODD_CHARACTERS.keys())
def test_raw_characters(odd: str, split: Split) -> None:
    """A raw character that other line splitters break lines at, or that is several bytes, stays in its text."""
    text = f"x{odd}y{odd}{odd}"
    assert decode(split(f"{frame(text)}\n\n{frame(odd)}\n\n".encode()))[0] == [text, odd]


@pytest.mark.parametrize("odd", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x00", "\n", "\r"], ids=ascii)
def test_escaped_control_characters(odd: str) -> None:
    """A control character that JSON escapes comes out as itself."""
    assert decode([f"{frame(f'x{odd}y')}\n\n".encode()])[0] == [f"x{odd}y"]


@pytest.mark.parametrize("odd", ["\v", "\f", "\x1c", "\x1d", "\x1e", "\x00", "\x1b"], ids=ascii)
@either_way
def test_raw_control_characters(odd: str, split: Split) -> None:
    """A raw control character is no line end: outside JSON it is ignored, inside it is invalid JSON."""
    assert decode(split(f": x{odd}data: {B}\nid: {odd}\n{odd}data: {B}\ndata: {A}\n\n".encode()))[0] == ["A"]
    with pytest.raises(KaiStreamError, match="Invalid JSON"):
        decode(split(f'data: {{"type":"text","text":"x{odd}y"}}\n\n'.encode()))


def test_broken_utf8() -> None:
    """Broken UTF-8 becomes replacement characters, and never a Unicode error, wherever it is cut."""
    body = b'data: {"type":"text","text":"a\xff\xe2\x82b"}\n\ndata: {"type":"text","text":"\xf0\x9f"}\n\n'
    assert decode([body])[0] == decode(piecewise(body))[0] == ["a\ufffd\ufffdb", "\ufffd"]


BAD: dict[str, str] = {
    "invalid JSON": "data: {oops}\n\n",
    "plain text": "data: Internal Server Error\n\n",
    "HTML": "data: <html></html>\n\n",
    "single quotes": "data: {'type': 'text'}\n\n",
    "half a chunk, then a blank line": 'data: {"type":"text",\n\n',
    "half a chunk, then another": f'data: {{"type":"text",\n\ndata: {A}\n\n',
    "a string": 'data: "x"\n\n',
    "a number": "data: 1\n\n",
    "null": "data: null\n\n",
    "true": "data: true\n\n",
    "an array": f"data: [{A}]\n\n",
    "NaN": 'data: {"type":"data-x","data":NaN}\n\n',
    "Infinity": 'data: {"type":"data-x","data":-Infinity}\n\n',
    "two chunks on a line": f"data: {A}{B}\n\n",
    "a chunk and more": f"data: {A} x\n\n",
    "deep arrays": f"data: {'[' * 100_000}{']' * 100_000}\n\n",
    "deep objects": f'data: {{"type":"data-x","data":{"{a:[".replace("a", chr(34) + "a" + chr(34)) * 100_000}\n\n',
    "endless number": f'data: {{"type":"data-x","data":{"9" * 10_000}}}\n\n',
    "a known chunk without its text": 'data: {"type":"text"}\n\n',
    "lower case mark": "data: [done]\n\n",
}


@pytest.mark.parametrize("body", BAD.values(), ids=BAD.keys())
def test_malformed(body: str) -> None:
    """What is no chunk is a `KaiStreamError` with a short message, after the events that came before it."""
    decoder = EventDecoder()
    events = decoder.feed(f"data: {A}\n\n{body}".encode())
    assert [shown(event) for event in events] == ["A"]
    assert decoder.failure is not None
    assert decoder.failure.code == "stream:malformed"
    assert len(str(decoder.failure)) < 400


@pytest.mark.parametrize(
    ("body", "terminal"),
    [
        (f"data: {A}\n\n", False),
        (f"data: {A}\n\ndata: [DONE]\n\n", True),
        (f"data: {A}\n\ndata: [DONE]", True),
        (f"data: [DONE]\n\ndata: {A}\n\n", True),
        ('data: {"type":"finish"}\n\n', True),
        ('data: {"type":"abort"}\n\n', True),
        ('data: {"type":"error","errorText":"x"}\n\n', True),
        ('data: {"type":"finish-step"}\n\n', False),
        ('data: {"type":"data-finish","data":1}\n\n', False),
        (frame("[DONE]"), False),
        ("data: [DON", False),
        ("", False),
    ],
)
def test_terminal(body: str, terminal: bool) -> None:
    """Only `finish`, `abort`, `error` and `[DONE]` declare an answer over."""
    assert decode([body.encode()])[1] is terminal


@either_way
@pytest.mark.parametrize(
    "body",
    [
        frame("x" * 300) + "\n\n",
        "data: " + "[" * 300,
        "data: [\n" * 60,
        ": " + "x" * 300,
        "x" * 300,
        "event: " + "x" * 300,
        frame("\U0001f600" * 60) + "\n\n",
    ],
    ids=["an event", "a line", "many lines", "a comment", "a field name", "another field", "multi-byte"],
)
def test_too_large(body: str, split: Split) -> None:
    """An event of more bytes than the bound is a `KaiStreamError` that names the bound, finished or not."""
    with pytest.raises(KaiStreamError, match="200 bytes") as caught:
        decode(split((f"data: {A}\n\n" * 20 + body).encode()), bound=200)
    assert caught.value.code == "stream:event_too_large"


@either_way
def test_bound_is_per_event(split: Split) -> None:
    """The bound is on one event, not on the stream: small events never add up, in either line style."""
    for separator in ("\n", "\n\n", "\n: keep-alive\n\n"):
        body = separator.join([f"data: {A}"] * 50)
        assert decode(split(body.encode()), bound=60)[0] == ["A"] * 50


class Response:
    """The least that `parse_sse_stream` needs of a response."""

    def __init__(self, pieces: Iterable[bytes], content_type: str | None = "text/event-stream") -> None:
        self.pieces = pieces
        self.headers = {} if content_type is None else {"content-type": content_type}

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The pieces."""
        for piece in self.pieces:
            await asyncio.sleep(0)
            yield piece


@either_way
@pytest.mark.parametrize(("body", "expected"), GOOD.values(), ids=GOOD.keys())
async def test_parse_sse_stream(body: str, expected: list[str], split: Split) -> None:
    """`parse_sse_stream` yields the events of a response as the decoder does."""
    response = Response(split(body.encode()))
    assert [shown(event) async for event in parse_sse_stream(response)] == expected
