"""Looking at an answer while it is read: nothing is folded before, and what is seen is what was handed out."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kai_client import ChatStream, KaiClient, KaiStreamError, SSEEvent, SSEStreamParser

CHAT = "6f0a8f0e-0000-4000-8000-000000000000"

TEXTS = st.sampled_from(["", "a ", "Příliš ", "🐎", "\ud83d", "\ude00"]) | st.text(max_size=5)
Chunk = dict[str, Any]


def growing(text: str, kind: str) -> Chunk:
    """A delta of one of the things that grow."""
    if kind == "tool-input-delta":
        return {"type": kind, "toolCallId": "c", "inputTextDelta": text}
    name, _, part_id = kind.partition(" ")
    return {"type": name, "id": part_id, "delta": text}


def data_part(value: float) -> Chunk:
    """What is no delta, with any number in it."""
    return {"type": "data-x", "data": value}


KINDS = st.sampled_from(["text-delta 0", "text-delta 1", "reasoning-delta 0", "tool-input-delta"])
CHUNKS: st.SearchStrategy[Chunk] = st.one_of(
    st.builds(growing, TEXTS, KINDS),
    st.builds(data_part, st.integers() | st.floats(allow_nan=False, allow_infinity=False)),
    st.sampled_from(
        [
            {"type": "start", "messageId": "m"},
            {"type": "start-step"},
            {"type": "text-start", "id": "0"},
            {"type": "text-end", "id": "0"},
            {"type": "text-delta", "id": "0", "delta": "x", "providerMetadata": {"p": {"k": 1}}},
            {"type": "text-delta", "delta": "no id"},
            {"type": "tool-input-start", "toolCallId": "c", "toolName": "t"},
            {"type": "tool-output-available", "toolCallId": "c", "output": [1]},
            {"type": "new-thing", "id": "0", "delta": "x"},
            {"type": "reset-step"},
        ]
    ),
)


class Pieces(httpx.AsyncByteStream):
    """A body in given pieces."""

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            yield piece


def kai(pieces: Sequence[bytes]) -> tuple[httpx.AsyncClient, KaiClient]:
    """A client whose streams are these pieces."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": "text/event-stream"}, stream=Pieces(pieces))

    http = httpx.AsyncClient(transport=httpx.MockTransport(answer))
    return http, KaiClient("token", "https://x.test", "https://kai.test", http_client=http)


def body_of(chunks: Sequence[Chunk], escaped: bool) -> bytes:
    """The chunks as a stream; what UTF-8 cannot carry is escaped in any case."""
    texts = [json.dumps(chunk, ensure_ascii=escaped) for chunk in chunks]
    frames = [text if text.isascii() or not _halves(text) else json.dumps(json.loads(text)) for text in texts]
    return "".join(f"data: {frame}\n\n" for frame in (*frames, '{"type":"finish"}', "[DONE]")).encode()


def _halves(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def seen(answer: ChatStream | SSEStreamParser) -> tuple[Any, ...]:
    """All that a stream and a parser both show."""
    return answer.message.to_dict(), answer.text, answer.usage, answer.metadata, list(answer.tool_calls)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(CHUNKS, max_size=12), st.booleans(), st.lists(st.integers(1, 400), max_size=8), st.sets(st.integers(0, 14))
)
def test_what_is_seen_is_what_was_handed_out(
    chunks: list[Chunk], escaped: bool, places: list[int], looks: set[int]
) -> None:
    """After any event, in any cut, the stream shows just the events so far, whether somebody looked before or not."""
    body = body_of(chunks, escaped)
    at = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    pieces = [body[start:end] for start, end in itertools.pairwise(at)]

    async def read() -> None:
        http, client = kai(pieces)
        parser = SSEStreamParser()
        async with http:
            stream = client.send_message(CHAT, "Hi")
            count = 0
            async for event in stream:
                parser.process_event(event)
                if count in looks:
                    assert seen(stream) == seen(parser)
                count += 1
            assert seen(stream) == seen(parser)

    asyncio.run(read())


@settings(deadline=None, max_examples=100)
@given(st.lists(CHUNKS, max_size=12), st.lists(st.integers(1, 400), max_size=5), st.integers(0, 12))
def test_reading_on_in_another_way(chunks: list[Chunk], places: list[int], first: int) -> None:
    """Some events one by one, the rest by `updates`, `text_stream` or all at once: always the same message at the end."""
    body = body_of(chunks, escaped=True)
    at = [0, *sorted(place % (len(body) + 1) for place in places), len(body)]
    pieces = [body[start:end] for start, end in itertools.pairwise(at)]

    async def whole() -> list[SSEEvent]:
        http, client = kai(pieces)
        async with http:
            return [event async for event in client.send_message(CHAT, "Hi")]

    async def read(way: str) -> Any:
        http, client = kai(pieces)
        async with http, client.send_message(CHAT, "Hi") as stream:
            for _ in range(min(first, len(events))):
                await anext(stream)
            match way:
                case "updates":
                    drawn = [stream.message, *[message async for message in stream.updates()]]
                    return drawn[-1].to_dict(), stream.message.to_dict()
                case "text":
                    begun = stream.text
                    text = begun + "".join([piece async for piece in stream.text_stream])
                    return text, stream.text
                case _:
                    message = await stream.get_final_message()
                    return message.to_dict(), stream.message.to_dict()

    events = asyncio.run(whole())
    parser = SSEStreamParser()
    for event in events:
        parser.process_event(event)
    expected = parser.message.to_dict()
    assert asyncio.run(read("all")) == (expected, expected)
    assert asyncio.run(read("updates"))[1] == expected
    text, shown = asyncio.run(read("text"))
    assert shown == parser.text
    if not {"reset-step", "start"} & {chunk["type"] for chunk in chunks}:  # they take back what was said
        assert len(text) == len(shown)


DELTA = b'data: {"type":"text-delta","id":"0","delta":"%b"}\n\n'
INPUT = b'data: {"type":"tool-input-delta","toolCallId":"c","inputTextDelta":"%b"}\n\n'
ALMOST_PLAIN: dict[str, bytes] = {
    "plain": DELTA % b"a" + DELTA % b"b" + INPUT % b"{" + INPUT % b"}",
    "half bytes": DELTA % b"a\xc3" + DELTA % b"\xa9b",
    "half characters": DELTA % rb"\ud83d" + DELTA % rb"\ude00",
    "half escapes": DELTA % rb"a\u00" + DELTA % rb"e9",
    "a control character": DELTA % b"a" + DELTA % b"\x01" + DELTA % b"b",
    "a control character in an id": DELTA % b"a" + ((DELTA % b"b") + (DELTA % b"c")).replace(b'"0"', b'"\x01"'),
    "a carriage return in an id": ((DELTA % b"b") + (DELTA % b"c")).replace(b'"0"', b'"a\rb"'),
    "half bytes in an id": ((DELTA % b"b") + (DELTA % b"c")).replace(b'"0"', b'"\xc3"'),
    "no such escape": DELTA % b"a" + DELTA % rb"\x" + DELTA % b"b",
    "carriage returns": DELTA % b"a" + (DELTA % b"b").replace(b"\n", b"\r\n") + DELTA % b"c",
    "a comment within": DELTA % b"a" + b":" + DELTA % b"b" + DELTA % b"c",
    "two lines": DELTA % b"a" + b"data: {\n" + DELTA % b"b" + DELTA % b"c",
    "a frame of another kind": DELTA % b"a" + b"event: x\n" + DELTA % b"b" + b"id: 1\n" + DELTA % b"c",
    "keys of another kind": DELTA % b"a" + (DELTA % b"b").replace(b'"id"', b'"toolCallId"') + DELTA % b"c",
    "bytes before": b"\xef\xbb\xbf" + DELTA % b"a" + DELTA % b"b",
    "frames in a text": DELTA % rb"a\n\ndata: {\"type\":\"text-delta\"" + DELTA % b"b",
    "no text": DELTA % b"" + INPUT % b"" + DELTA % b"" + INPUT % b"",
    "other ids": DELTA % b"a" + (DELTA % b"b").replace(b'"0"', b'"1"') + (DELTA % b"c").replace(b'"0"', rb'"\u0030"'),
}


@pytest.mark.parametrize("deltas", ALMOST_PLAIN.values(), ids=ALMOST_PLAIN)
async def test_the_whole_at_once(deltas: bytes) -> None:
    """The message that is taken as a whole is the one of the events, wherever the bytes are cut and however odd they are."""
    body = b'data: {"type":"start"}\n\n' + deltas + b'data: {"type":"finish"}\n\n'
    for cut in range(len(body) + 1):
        http, client = kai([body[:cut], body[cut:]])
        async with http:
            parser = SSEStreamParser()
            stream, again = client.send_message(CHAT, "Hi"), client.send_message(CHAT, "Hi")
            error = None
            try:
                async for event in stream:
                    parser.process_event(event)
            except KaiStreamError as broken:
                error = broken.code
            if error is None:
                assert (await again.get_final_message()).to_dict() == parser.message.to_dict()
            else:
                with pytest.raises(KaiStreamError) as raised:
                    await again.get_final_message()
                assert raised.value.code == error
            assert seen(again) == seen(stream) == seen(parser)


async def test_looking_in_the_middle_of_a_loop() -> None:
    """`get_final_text` inside a loop over the same stream takes the rest; the loop ends then."""
    body = body_of([{"type": "text-delta", "id": "0", "delta": f"{n} "} for n in range(5)], escaped=True)
    http, client = kai([body])
    async with http, client.send_message(CHAT, "Hi") as stream:
        taken = 0
        async for _ in stream:
            taken += 1
            assert await stream.get_final_text() == "0 1 2 3 4 "
        assert taken == 1
        assert stream.text == "0 1 2 3 4 "
