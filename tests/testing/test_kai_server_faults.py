"""How a local server fails on request, and what a client makes of it."""

import asyncio
from typing import Any, Literal

import httpx
import pytest

from kai_client import KaiError, KaiServerError, KaiStreamError, RetryPolicy
from kai_client.server import Gate, StorageIndex
from kai_client.sync import KaiClient
from kai_client.testing import KaiServer, running_server

BODY = {
    "id": "0b4a4b3e-6b1c-4a53-9d4f-2f6a2a3d6c11",
    "message": {
        "id": "7b4a4b3e-6b1c-4a53-9d4f-2f6a2a3d6c11",
        "role": "user",
        "parts": [{"type": "text", "text": "Hi"}],
    },
    "selectedChatModel": "chat-model",
    "selectedVisibilityType": "private",
}


def received(server: KaiServer) -> tuple[bytes, bool]:
    """What arrives of a stream, and whether the connection broke."""
    body = b""
    with httpx.stream("POST", f"{server.url}/api/chat", json=BODY, headers={"x-storageapi-token": "any"}) as response:
        try:
            for piece in response.iter_raw():
                body += piece
        except httpx.RemoteProtocolError:
            return body, True
    return body, False


def test_half_an_event() -> None:
    """After so many events comes half of the next one, and the connection is cut"""
    with running_server() as server:
        server.reply("Hello to you")
        server.next_stream(half_after=4)
        body, broken = received(server)
    *whole, half = body.split(b"\n\n")
    assert broken
    assert len(whole) == 4
    assert half
    assert b'{"type":"text-delta","delta":" to","id":"0"}'.startswith(half.removeprefix(b"data: "))


@pytest.mark.parametrize("fault", [{"drop_after": 4}, {"half_after": 4}, {"end_after": 4}])
def test_a_broken_stream_is_an_error_with_what_had_arrived(fault: dict[str, Any]) -> None:
    """Half an answer is raised as such; the next stream is whole again"""
    with running_server() as server, server.sync_client() as client:
        server.reply("Hello to you", when="Hi")
        server.next_stream(**fault)
        with pytest.raises(KaiStreamError) as caught:
            client.chat("Hi")
        assert caught.value.partial_text == "Hello"
        assert client.chat("Hi")[1] == "Hello to you"


def test_a_status_is_retried_when_it_says_when() -> None:
    """The first attempt gets the 503, the second one the answer"""
    with running_server() as server, server.sync_client() as client:
        server.next_response(503, retry_after=0)
        server.reply("Hello")
        assert client.chat("Hi")[1] == "Hello"
        assert server.asked == ["Hi", "Hi"]


@pytest.mark.parametrize("mode", ["agent", "assistant"])
@pytest.mark.parametrize(
    ("fields", "code"),
    [({}, "rate_limit:chat"), ({"code": "rate_limit:history", "message": "Slow"}, "rate_limit:history")],
)
def test_an_error_has_the_shape_of_its_backend(
    mode: Literal["agent", "assistant"], fields: dict[str, Any], code: str
) -> None:
    """Status, code and message arrive as that backend writes them"""
    with running_server(mode=mode) as server, server.sync_client(retry=RetryPolicy(attempts=1)) as client:
        server.next_response(429, retry_after=7, **fields)
        with pytest.raises(KaiError) as caught:
            client.get_history()
    error = caught.value
    assert (error.status_code, error.code, error.retry_after) == (429, code, 7)
    assert error.message == fields.get("message", "This request failed on purpose.")


def test_a_page_in_the_place_of_json() -> None:
    """A captive portal answers everything with 200 and a page: an error, for JSON and for streams"""
    with running_server() as server, server.sync_client() as client:
        server.next_response(html="<h1>Sign in</h1>")
        with pytest.raises(KaiError, match="Sign in") as caught:
            client.get_usage()
        assert caught.value.code == "response:not_json"
        server.next_response(html="<h1>Sign in</h1>")
        with pytest.raises(KaiStreamError):
            client.chat("Hi")


def test_a_body_of_any_kind() -> None:
    """JSON that is not what the API says arrives as it is"""
    with running_server() as server, server.sync_client() as client:
        server.next_response(
            body={"chats": [{"id": "x", "future": True}], "hasMore": False}, headers={"x-request-id": "r1"}
        )
        assert [chat.id for chat in client.get_history().chats] == ["x"]
        server.next_response(204)
        assert httpx.get(f"{server.url}/ping").content == b""


def test_a_fault_for_one_path_only() -> None:
    """Other requests pass by; a pattern with a star, and a method, may say which one is meant"""
    with running_server() as server, server.sync_client(retry=RetryPolicy(attempts=1)) as client:
        server.next_response(500, path="/api/chat/*", method="get")
        server.reply("Hello")
        chat_id, _ = client.chat("Hi")
        with pytest.raises(KaiServerError):
            client.get_chat(chat_id)
        assert len(client.get_chat(chat_id).messages) == 2


DISCOVERY: dict[str, tuple[dict[str, Any], StorageIndex | None, str]] = {
    "bad token": ({"status": 401, "code": "storage.tokenInvalid", "message": "Invalid"}, None, "discovery:http_error"),
    "page": ({"html": "<p>Hello</p>"}, None, "discovery:"),
    "maintenance": ({}, StorageIndex(maintenance=600), "discovery:http_error"),
    "no such service": ({}, StorageIndex(services={"queue": "http://localhost:1"}), "discovery:service_not_found"),
    "no URL": ({}, StorageIndex(services={"kai-agent": None}), "discovery:no_url"),
}


@pytest.mark.parametrize("fault", DISCOVERY)
def test_discovery_fails(fault: str) -> None:
    """The index answers as badly as it is told to"""
    fields, index, code = DISCOVERY[fault]
    with running_server() as server:
        if index is not None:
            server.index = index
        else:
            server.next_response(path="/v2/storage", **fields)
        with pytest.raises(KaiError) as caught:
            server.sync_client(retry=RetryPolicy(attempts=1))
    assert (caught.value.code or "").startswith(code)


def test_discovery_is_spared_otherwise() -> None:
    """A fault that names no path is not for discovery"""
    with running_server() as server:
        server.next_response(500)
        with server.sync_client(retry=RetryPolicy(attempts=1)) as client, pytest.raises(KaiServerError):
            client.ping()


async def test_silence_until_it_is_released() -> None:
    """An answer is held back as long as the test wants, and then it is the ordinary one"""
    gate = Gate()
    with running_server() as server:
        async with server.client() as client:
            server.reply("Hello")
            server.next_response(gate=gate)
            chat = asyncio.create_task(client.chat("Hi"))
            await gate.wait_async()
            assert not chat.done()
            gate.open()
            assert (await chat)[1] == "Hello"


async def test_a_silence_in_the_middle_of_a_stream() -> None:
    """`stall_after` with a gate ends when the gate opens"""
    gate = Gate()
    with running_server() as server:
        async with server.client() as client:
            server.reply("Hello to you")
            server.next_stream(stall_after=4, gate=gate)
            async with client.send_message(client.new_chat_id(), "Hi") as stream:
                texts = aiter(stream.text_stream)
                assert await anext(texts) == "Hello"
                await gate.wait_async()
                gate.open()
                assert [text async for text in texts] == [" to", " you"]


@pytest.mark.parametrize("byte_by_byte", [False, True])
def test_pieces_one_at_a_time(byte_by_byte: bool) -> None:
    """With a gate alone each piece waits: an event, or a byte"""
    gate = Gate()
    with running_server() as server, KaiClient("any", server.url, server.url) as client:
        server.reply("Hello to you")
        server.next_stream(gate=gate, byte_by_byte=byte_by_byte)
        gate.step(100 if byte_by_byte else 3)
        with client.send_message(client.new_chat_id(), "Hi") as stream:
            assert next(stream).type == "start"
            gate.wait()
            assert stream.text == ""
            gate.open()
            assert stream.get_final_text() == "Hello to you"


async def test_a_gate_that_nobody_opens() -> None:
    """A server that hangs ends with its block, and so does whoever waited"""
    with pytest.raises(KaiError), running_server() as server:  # noqa: PT012 - the error is that of the block
        server.next_response(gate=Gate())
        async with server.client(retry=RetryPolicy(attempts=1), timeout=0.05) as client:
            await client.ping()


def test_a_fault_that_changes_nothing_is_refused() -> None:
    """So is a misspelt one"""
    with running_server() as server:
        with pytest.raises(ValueError, match="needs a status, a body, html or a gate"):
            server.next_response()
        with pytest.raises(TypeError, match="retry_affter"):
            server.next_response(503, retry_affter=1)
        with pytest.raises(TypeError, match="drop_affter"):
            server.next_stream(drop_affter=3)
