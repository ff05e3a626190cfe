"""Streams cut at random bytes and recovered: the text and the message of the uncut one, nothing doubled, nothing lost."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fault_methods import CHAT
from fault_server import TOKEN

from kai_client import (
    KaiClient,
    KaiError,
    KaiStreamError,
    RetryPolicy,
    SSEStreamParser,
    TextEvent,
    Timeouts,
    parse_sse_event,
)

TIMEOUTS = Timeouts(connect=20, pool=20, idle=20, total=20, grace=0.01)
QUICK = RetryPolicy(attempts=1, wait_initial=1e-6, wait_max=1e-6)


def _text(part_id: str, text: str, size: int = 3) -> list[dict[str, Any]]:
    pieces = [text[i : i + size] for i in range(0, len(text), size)]
    return [
        {"type": "text-start", "id": part_id},
        *({"type": "text-delta", "id": part_id, "delta": piece} for piece in pieces),
        {"type": "text-end", "id": part_id},
    ]


_CALL = {"toolCallId": "c1", "toolName": "query_data"}
_START: list[dict[str, Any]] = [
    {"type": "start", "messageId": "m1", "messageMetadata": {"a": 1}},
    {"type": "start-step"},
]
_END: list[dict[str, Any]] = [{"type": "finish-step"}, {"type": "finish", "finishReason": "stop"}]
_TOOL: list[dict[str, Any]] = [
    {"type": "tool-input-start", **_CALL},
    {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": '{"sql": "SEL'},
    {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": 'ECT 1"}'},
    {"type": "tool-input-available", **_CALL, "input": {"sql": "SELECT 1"}},
]
ANSWERS: dict[str, list[dict[str, Any]]] = {
    "text": [*_START, *_text("0", "Příliš žluťoučký kůň 🐎 úpěl ďábelské ódy.", 2), *_END],
    "tool": [
        *_START,
        *_text("0", "Let me look."),
        *_TOOL,
        {"type": "tool-output-available", "toolCallId": "c1", "output": [1, None, {"ž": "🐎"}]},
        {"type": "finish-step"},
        {"type": "start-step"},
        *_text("0", "One row, and nothing but one row."),
        *_END,
    ],
    "failed tool": [
        *_START,
        *_TOOL,
        {"type": "tool-output-error", "toolCallId": "c1", "errorText": "no such table"},
        *_text("0", "That failed."),
        *_END,
    ],
    "approval": [
        *_START,
        *_TOOL,
        {"type": "tool-approval-request", "approvalId": "a1", "toolCallId": "c1"},
        {"type": "finish-step"},
        {"type": "finish", "finishReason": "tool-calls"},
    ],
    "everything": [
        *_START,
        {"type": "reasoning-start", "id": "r"},
        {"type": "reasoning-delta", "id": "r", "delta": "Hmm, "},
        {"type": "reasoning-delta", "id": "r", "delta": "well."},
        {"type": "reasoning-end", "id": "r"},
        {"type": "data-chart", "id": "d", "data": {"points": [1]}},
        *_text("0", "See:"),
        {"type": "source-url", "sourceId": "s1", "url": "https://x.test", "title": "X"},
        {"type": "file", "url": "data:text/plain;base64,aGk=", "mediaType": "text/plain"},
        {"type": "tool-input-available", **_CALL, "input": 7, "dynamic": True},
        {"type": "tool-output-available", "toolCallId": "c1", "output": None, "dynamic": True},
        {"type": "data-chart", "id": "d", "data": {"points": [1, 2]}},
        {"type": "message-metadata", "messageMetadata": {"b": 2}},
        *_text("1", "Bye."),
        *_END,
    ],
}


def _folded(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    parser = SSEStreamParser()
    for chunk in chunks:
        parser.process_event(parse_sse_event(chunk))
    return parser.message.to_dict()


class _Cut(httpx.AsyncByteStream):
    """Bytes in pieces of random size, and then, unless they are whole, a lost connection."""

    def __init__(self, data: bytes, *, whole: bool, random_: random.Random) -> None:
        self._data, self._whole, self._random = data, whole, random_

    async def __aiter__(self) -> AsyncIterator[bytes]:
        data = self._data
        while data:
            size = self._random.randint(1, 400)
            yield data[:size]
            data = data[size:]
        if not self._whole:
            raise httpx.ReadError("cut")

    async def aclose(self) -> None:
        """Nothing to free."""


class Backend(httpx.AsyncBaseTransport):
    """A backend whose streams are cut: `cuts` says after how many bytes, one stream after the other; then no more."""

    def __init__(self, chunks: list[dict[str, Any]], *, resumes: bool, seed: int = 0) -> None:
        self.random = random.Random(seed)
        self.chunks, self.resumes = chunks, resumes
        self.body = "".join(f"data: {json.dumps(each, ensure_ascii=False)}\n\n" for each in chunks).encode()
        self.stored = _folded(chunks)
        self.cuts: list[int] = []
        self.later = 0
        self.asked: dict[str, Any] = {}
        self.requests: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as kai-assistant does where it resumes, else as kai-agent."""
        self.requests.append(f"{request.method} {request.url.path}")
        if request.method == "POST":
            self.asked = json.loads(request.content)["message"]
            return self._streamed()
        if request.url.path.endswith("/stream"):
            return self._streamed() if self.resumes else httpx.Response(404, json={"error": {"type": "not_found"}})
        self.later -= 1
        messages = [self.asked] if self.later > 0 else [self.asked, self.stored]
        return httpx.Response(200, json={"id": CHAT, "messages": messages})

    def _streamed(self) -> httpx.Response:
        cut = self.cuts.pop(0) if self.cuts else len(self.body)
        whole = cut >= len(self.body)
        return httpx.Response(200, stream=_Cut(self.body[:cut], whole=whole, random_=self.random))


def _kai(served_by: Backend, **options: Any) -> KaiClient:
    http = httpx.AsyncClient(transport=served_by)
    return KaiClient(
        TOKEN, "https://x.test", "http://kai.test", stream_timeout=TIMEOUTS, http_client=http, retry=QUICK, **options
    )


@pytest.mark.parametrize("resumes", [True, False], ids=["resumed", "polled"])
@pytest.mark.parametrize("name", ANSWERS)
async def test_a_thousand_cuts(name: str, resumes: bool) -> None:
    """1,000 streams of each kind, each cut once or several times at random bytes."""
    backend = Backend(ANSWERS[name], resumes=resumes)
    uncut = [parse_sse_event(each).to_chunk() for each in ANSWERS[name]]
    text = "".join(each["delta"] for each in ANSWERS[name] if each["type"] == "text-delta")
    client = _kai(backend)
    for _ in range(1000):
        backend.cuts = [backend.random.randint(0, len(backend.body)) for _ in range(backend.random.randint(1, 3))]
        backend.later = backend.random.randint(0, 2)
        stream = client.send_message(CHAT, "Hi", recover=True)
        events = [event async for event in stream]
        pieces = [event.text for event in events if isinstance(event, TextEvent)]
        assert "".join(pieces) == text == stream.text
        assert stream.message.to_dict() == backend.stored
        if resumes and len(backend.cuts) == 0 and "GET /api/chat/" + CHAT not in backend.requests:
            assert [event.to_chunk() for event in events] == uncut
        assert [event.type for event in events].count("finish") == 1
        backend.requests.clear()


async def test_by_hand() -> None:
    """Without `recover=True` the error comes first; `recover()` makes the same stream go on."""
    backend = Backend(ANSWERS["tool"], resumes=True)
    backend.cuts = [500]
    stream = _kai(backend).send_message(CHAT, "Hi")
    events: list[Any] = []
    await stream.recover()  # nothing has broken yet
    with pytest.raises(KaiStreamError, match="events, 500 bytes"):
        events.extend([event async for event in stream])
    seen = stream.text
    await stream.recover()
    rest = [event.text async for event in stream if isinstance(event, TextEvent)]
    assert seen + "".join(rest) == stream.text
    assert stream.message.to_dict() == backend.stored


def _parts(*parts: dict[str, Any]) -> list[dict[str, Any]]:
    return list(parts)


_STEP: dict[str, Any] = {"type": "step-start"}


@pytest.mark.parametrize(
    "parts",
    [
        [],
        _parts({"type": "text", "text": "Something else"}),
        _parts(_STEP, {"type": "text", "text": "LET"}),
        _parts({"type": "text", "text": "Let"}, {"type": "text", "text": " me look."}),
        _parts(_STEP, {"type": "source-url", "sourceId": "s", "url": "u"}, {"type": "text", "text": "Let me look."}),
    ],
    ids=["empty", "other", "changed", "split", "mixed"],
)
async def test_what_cannot_be_reconciled_is_the_original_error(parts: list[dict[str, Any]]) -> None:
    """An answer that was stored otherwise is not glued to what had arrived."""
    backend = Backend(ANSWERS["tool"], resumes=False)
    backend.stored, backend.cuts = {**backend.stored, "parts": parts}, [500]
    with pytest.raises(KaiStreamError) as caught:
        # Some of these could yet become the answer: how long they are read again is what `total` says.
        await _kai(backend).send_message(CHAT, "Hi", recover=True, timeout=Timeouts(total=2)).get_final_text()
    assert caught.value.code == "stream:broken"
    assert caught.value.partial_text


async def test_a_replay_of_another_answer_is_not_taken() -> None:
    """Where the replay does not begin with what was delivered, the chat is read instead."""
    backend = Backend(ANSWERS["text"], resumes=True)
    stream = _kai(backend).send_message(CHAT, "Hi", recover=True)
    backend.cuts = [300]
    events = [await anext(stream)]
    backend.body = backend.body.replace("Př".encode(), b"XY")
    events += [event async for event in stream]
    assert stream.message.to_dict() == backend.stored
    assert f"GET /api/chat/{CHAT}" in backend.requests


@pytest.mark.parametrize("tail", ['{"type":"error","errorText":"no"}', '{"type":"abort"}', "{broken"])
async def test_the_backends_own_words_stand(tail: str) -> None:
    """Error chunks, aborts and malformed data are not recovered from."""
    backend = Backend(ANSWERS["text"], resumes=True)
    backend.body = backend.body[:300].rpartition(b"\n\n")[0] + f"\n\ndata: {tail}\n\n".encode()
    with pytest.raises(KaiError):
        await _kai(backend).send_message(CHAT, "Hi", recover=True).get_final_text()
    assert len(backend.requests) == 1


async def test_polling_ends_with_the_total_timeout() -> None:
    """An answer that is never stored is the original error, after `total` seconds; a cancelled recovery is cancelled."""
    backend = Backend(ANSWERS["text"], resumes=False)
    backend.cuts, backend.later = [300, 300], 10**9
    client = _kai(backend)
    with pytest.raises(KaiStreamError):
        await client.send_message(CHAT, "Hi", recover=True, timeout=Timeouts(total=0.3)).get_final_text()
    task = asyncio.create_task(client.send_message(CHAT, "Hi", recover=True).get_final_text())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_known_kai_agent_is_not_asked_for_a_replay() -> None:
    """It has no such route (protocol 7.1)."""
    backend = Backend(ANSWERS["text"], resumes=False)
    backend.cuts = [300]
    assert await _kai(backend, backend="kai-agent").send_message(CHAT, "Hi", recover=True).get_final_text()
    assert not any(request.endswith("/stream") for request in backend.requests)
