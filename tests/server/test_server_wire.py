"""The switches of the wire: shapes, framing, faults (protocol 4.2, 4.5, 10.5)."""

import json
import re
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest
from local_api import Api, chunks_of, local_api, new_id, types_of

from kai_client.server import ScriptedKai, WireStyle, ask, call, fail, kai_app, raw, say
from kai_client.server.wire import STREAM_HEADERS

WORDS = "one two three four"


@pytest.fixture
async def api() -> AsyncGenerator[Api]:
    """A server that always says the same four words."""
    async with local_api(ScriptedKai([WORDS] * 10)) as found:
        yield found


async def body_of(api: Api) -> bytes:
    """The bytes of an answer."""
    response = await api.http.post("/api/chat", json=api.body(new_id(), "go"))
    assert response.status_code == 200
    return response.content


async def pieces_until_broken(api: Api) -> tuple[str, bool]:
    """What arrived of a body, and whether it was cut."""
    received, broken = b"", False
    async with api.http.stream("POST", "/api/chat", json=api.body(new_id(), "go")) as response:
        try:
            async for piece in response.aiter_raw():
                received += piece
        except httpx.RemoteProtocolError:
            broken = True
    return received.decode(), broken


async def test_standard_framing(api: Api) -> None:
    """By default: the SDK's headers, `data: <compact JSON>` and a blank line, `[DONE]` last"""
    response = await api.http.post("/api/chat", json=api.body(new_id(), "go"))
    assert STREAM_HEADERS.items() <= dict(response.headers).items()
    frames = response.text.split("\n\n")
    assert frames[-2:] == ["data: [DONE]", ""]
    assert frames[1] == 'data: {"type":"start-step"}'


FRAMINGS: list[tuple[dict[str, Any], bytes]] = [
    ({"framing": "single-newline"}, rb"(data: [^\n]+\n)+"),
    ({"newline": "\r\n"}, rb"(data: [^\r\n]+\r\n\r\n)+"),
    ({"newline": "\r"}, rb"(data: [^\r\n]+\r\r)+"),
    ({"space": False}, rb"(data:[^ ][^\n]*\n\n)+"),
    ({"bom": True}, rb"\xef\xbb\xbf(data: [^\n\xef]+\n\n)+"),
    ({"done": False}, rb"(data: \{[^\n]+\n\n)+"),
    ({"last_blank_line": False}, rb"(data: \{[^\n]+\n\n)+data: \[DONE\]\n"),
    ({"comments": True}, rb": stream-open\n\n(data: [^\n]+\n\n: keep-alive\n\n)+data: \[DONE\]\n\n"),
    ({"unknown_chunk": True}, rb'data: [^\n]+\n\ndata: \{"type":"mystery-chunk".+'),
    ({"malformed_after": 2}, rb'(data: \{[^\n]+\}\n\n){2}data: \{"type": "text-delta", "id": \n\n.+'),
    ({"multiline": True}, rb"(data: \{\n(data:  [^\n]+\n)+data: \}\n\n)+data: \[DONE\]\n\n"),
    ({"steps": False}, rb"(?!.*step).+"),
]


@pytest.mark.parametrize(("style", "pattern"), FRAMINGS)
async def test_framing(api: Api, style: dict[str, Any], pattern: bytes) -> None:
    """Each switch of the framing changes the bytes as it says"""
    api.app.next_stream(**style)
    body = await body_of(api)
    assert re.fullmatch(pattern, body, re.DOTALL), body


async def test_without_headers(api: Api) -> None:
    """Without headers there is not even a content type"""
    api.app.next_stream(headers=False)
    response = await api.http.post("/api/chat", json=api.body(new_id(), "go"))
    assert not {"content-type", "x-vercel-ai-ui-message-stream"} & set(response.headers)


async def test_byte_by_byte(api: Api) -> None:
    """Every byte is a piece of its own, multi-byte characters included"""
    kai = ScriptedKai(["ž\u2028€"])
    async with local_api(kai) as other:
        other.app.next_stream(byte_by_byte=True)
        async with other.http.stream("POST", "/api/chat", json=other.body(new_id(), "go")) as response:
            pieces = [piece async for piece in response.aiter_raw()]
    assert {len(piece) for piece in pieces} == {1}
    assert '"ž"' in b"".join(pieces).decode()
    assert '"\u2028€"' in b"".join(pieces).decode()


async def test_next_stream_is_for_one_stream(api: Api) -> None:
    """The style of the next stream is used once; several wait in line; the app's own comes back"""
    api.app.next_stream(done=False)
    api.app.next_stream(WireStyle(space=False))
    first, second, third = [await body_of(api) for _ in range(3)]
    assert b"[DONE]" not in first
    assert b"data:[DONE]" in second
    assert b"data: [DONE]" in third
    api.app.style = WireStyle(newline="\r\n")
    assert b"\r\n" in await body_of(api)


def test_an_unknown_switch_is_refused() -> None:
    """A misspelt switch is a TypeError, not silence"""
    with pytest.raises(TypeError, match="drop_affter"):
        kai_app(ScriptedKai()).next_stream(drop_affter=3)


async def test_a_refused_request_takes_no_style() -> None:
    """An HTTP error leaves the style for the next stream"""
    async with local_api(ScriptedKai([fail(status=503), "Hello"])) as api:
        api.app.next_stream(done=False)
        assert (await api.http.post("/api/chat", json=api.body(new_id(), "go"))).status_code == 503
        assert b"[DONE]" not in await body_of(api)


@pytest.mark.parametrize("count", [0, 1, 3])
async def test_a_dropped_connection(api: Api, count: int) -> None:
    """The body breaks after so many events"""
    api.app.next_stream(drop_after=count)
    text, broken = await pieces_until_broken(api)
    assert broken
    assert len(chunks_of(text)) == count


@pytest.mark.parametrize(
    ("style", "last"),
    [
        ({"error_after": 3}, {"type": "error", "errorText": "The stream failed on purpose."}),
        ({"abort_after": 3}, {"type": "abort", "reason": "The stream was aborted on purpose."}),
    ],
)
async def test_staged_ends(api: Api, style: dict[str, Any], last: dict[str, Any]) -> None:
    """An error or an abort in the middle is the last chunk, before `[DONE]`"""
    api.app.next_stream(**style)
    body = (await body_of(api)).decode()
    assert chunks_of(body)[-1] == last
    assert len(chunks_of(body)) == 4
    assert body.endswith("data: [DONE]\n\n")


async def test_an_end_that_is_not_declared(api: Api) -> None:
    """The body ends properly in the middle of the answer"""
    api.app.next_stream(end_after=3)
    text, broken = await pieces_until_broken(api)
    assert not broken
    assert len(chunks_of(text)) == 3
    assert "[DONE]" not in text


async def test_a_stall(api: Api) -> None:
    """After so many events nothing comes any more, and the server still shuts down"""
    api.app.next_stream(stall_after=2)
    with pytest.raises(httpx.ReadTimeout):
        await api.http.post("/api/chat", json=api.body(new_id(), "go"), timeout=0.2)


async def test_keep_alive_in_a_silence() -> None:
    """A silent stream gets comments, first the SDK's own, and goes on unharmed"""
    chat_id = new_id()
    async with local_api(ScriptedKai([[ask("w", output=1)]]), style=WireStyle(keep_alive=0.02)) as api:
        comments, call_id = 0, ""
        async with api.http.stream("POST", "/api/chat", json=api.body(chat_id, "go")) as response:
            async for line in response.aiter_lines():
                if '"tool-input-available"' in line:
                    call_id = json.loads(line[6:])["toolCallId"]
                if line == ": keep-alive":
                    comments += 1
                    if comments == 3:
                        await api.decide(chat_id, call_id, True)
                if '"tool-output-available"' in line:
                    break
    assert comments >= 3


LEGACY = [
    ("start", None),
    ("start-step", {"type": "step-start"}),
    ("text-start", None),
    ("text-delta", {"type": "text", "text": "Hi", "state": "streaming"}),
    ("text-end", {"type": "text", "text": "", "state": "done"}),
    ("finish-step", {"type": "step-end"}),
    ("finish", {"type": "finish", "finishReason": "stop"}),
]


async def test_legacy_text() -> None:
    """Text, steps and the end in the shapes of protocol 4.5"""
    async with local_api(ScriptedKai(["Hi"]), style=WireStyle(shapes="legacy")) as api:
        assert await api.send(new_id(), "go") == [chunk for _, chunk in LEGACY if chunk]


async def test_legacy_calls() -> None:
    """Tool calls are `tool-call` chunks, the name null once the output is there; errors have a `message`"""
    turn = [call("q", {"a": 1}, 2, id="c"), call("r", error="no", id="d"), fail("Broken", finish=False)]
    async with local_api(ScriptedKai([turn]), style=WireStyle(shapes="legacy")) as api:
        chunks = await api.send(new_id(), "go")
    calls = [(c["toolCallId"], c["state"], c["toolName"]) for c in chunks if c["type"] == "tool-call"]
    assert calls == [
        ("c", "started", "q"),
        ("c", "input-available", "q"),
        ("d", "started", "r"),
        ("d", "input-available", "r"),
        ("c", "output-available", None),
        ("d", "output-error", None),
    ]
    assert chunks[-1] == {"type": "error", "message": "Broken"}


async def test_legacy_approval() -> None:
    """A waiting call is a `tool-call` with an approval id"""
    async with local_api(ScriptedKai([[ask("w")]]), mode="assistant", style=WireStyle(shapes="legacy")) as api:
        chunks = await api.send(new_id(), "go")
    waiting = next(chunk for chunk in chunks if chunk.get("state") == "approval-requested")
    assert waiting["approval"]["id"].startswith("aitxt-")


@pytest.mark.parametrize(
    ("major", "there", "missing"),
    [
        (5, set[str](), {"tool-approval-request", "tool-approval-response", "reset-step"}),
        (6, {"tool-approval-request"}, {"tool-approval-response", "reset-step"}),
        (7, {"tool-approval-request", "tool-approval-response", "reset-step"}, set[str]()),
    ],
)
async def test_major_versions(major: Any, there: set[str], missing: set[str]) -> None:
    """A profile writes only what that major version of the AI SDK knows"""
    turn = [call("q", output=1, automatic=True), say("x"), raw({"type": "reset-step"}), say("y")]
    async with local_api(ScriptedKai([turn]), style=WireStyle(major=major)) as api:
        types = set(types_of(await api.send(new_id(), "go")))
    assert there <= types
    assert not missing & types


async def test_version_seven_tells_invalid_input_once() -> None:
    """Up to version 6 a failed input is followed by a failed output, in version 7 it is not (V8)"""
    turn = [call("q", invalid="no"), say("x")]
    async with local_api(ScriptedKai([turn, turn])) as api:
        api.app.next_stream(major=7)
        seven, six = [types_of(await api.send(new_id(), "go")) for _ in range(2)]
    assert "tool-output-error" not in seven
    assert "tool-output-error" in six
