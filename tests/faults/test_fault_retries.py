"""What is tried again, how often, how patiently; and that a message is never said twice."""

import asyncio
import email.utils
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fault_methods import CHAT, INDEX, INFO, JSON_METHODS, SETTINGS, STREAM, Target
from fault_server import TOKEN, Exchange, fault_server, unused_port

from kai_client import (
    KaiClient,
    KaiConnectionError,
    KaiError,
    KaiRateLimitError,
    KaiServerError,
    KaiStreamError,
    KaiTimeoutError,
    RetryDetails,
    RetryPolicy,
    Timeouts,
)

PATIENT = Timeouts(connect=20, pool=20, idle=20, total=20, grace=0.05)
QUICK: dict[str, Any] = {"wait_initial": 0.001, "wait_max": 0.002, "wait_jitter": 0.001}
Call = Callable[[KaiClient], Awaitable[Any]]


async def _status(x: Exchange, status: str, retry_after: str | None = None) -> None:
    await x.reply(b"{}", status=status, extra=f"retry-after: {retry_after}\r\n" if retry_after else "")


async def _lost(x: Exchange) -> None:
    x.reset()


FAILURES: dict[str, Callable[[Exchange], Awaitable[None]]] = {
    "lost": _lost,
    "500": lambda x: _status(x, "500 E"),
    "502": lambda x: _status(x, "502 E"),
    "503": lambda x: _status(x, "503 E"),
    "504": lambda x: _status(x, "504 E"),
    "429": lambda x: _status(x, "429 E"),
    "503 that says when": lambda x: _status(x, "503 E", "0"),
    "429 that says when": lambda x: _status(x, "429 E", "0"),
    "500 that says when": lambda x: _status(x, "500 E", "0"),
    "400": lambda x: _status(x, "400 E"),
    "404": lambda x: _status(x, "404 E"),
    "401": lambda x: _status(x, "401 E"),
}
SAY_WHEN = {"503 that says when", "429 that says when"}
CALLS: dict[str, tuple[str, Call, Any]] = {
    "GET": ("GET", lambda c: c.info(), INFO),
    "PATCH": ("PATCH", lambda c: c.update_settings(custom_instructions="x"), SETTINGS),
    "DELETE": ("DELETE", lambda c: c.delete_chat(CHAT), {}),
    "POST suggestions": (
        "POST",
        lambda c: c.get_suggestions("dashboard", {}),
        {"suggestions": [], "suggestionSessionId": "s"},
    ),
    "POST approval": (
        "POST",
        lambda c: c.submit_approval(CHAT, "c", approved=True),
        {"success": True, "toolUseId": "c", "approved": True},
    ),
    "POST chat": ("POST", lambda c: c.chat("Hi"), None),
    "GET stream": ("GET", lambda c: c.resume_stream(CHAT).get_final_text(), None),
}


def _again(method: str, failure: str) -> bool:
    """The rule: what says when to come back is asked again; else only what can be repeated, after trouble of the server."""
    return (
        failure in SAY_WHEN
        or (method != "POST" and failure in {"lost", "500", "502", "503", "504"})
        or (method != "POST" and failure == "500 that says when")
    )


def _client(url: str, **policy: Any) -> KaiClient:
    return KaiClient(TOKEN, "https://x.test", url, PATIENT, PATIENT, retry=RetryPolicy(**{**QUICK, **policy}))


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("name", CALLS)
async def test_which_failure_of_which_method_is_tried_again(name: str, failure: str) -> None:
    """A POST that may have been processed is never sent again; the rest is, until it works."""
    method, call, good = CALLS[name]
    body = STREAM if good is None else json.dumps(good).encode()

    async def serve(x: Exchange) -> None:
        await (FAILURES[failure](x) if len(server.requests) <= 2 else x.reply())

    kind = "text/event-stream" if good is None else "application/json"
    async with fault_server(serve, body, kind) as server, _client(server.url) as client:
        if _again(method, failure):
            await call(client)
            assert len(server.requests) == 3
        else:
            with pytest.raises(KaiError):
                await call(client)
            assert len(server.requests) == 1


@pytest.mark.parametrize("name", CALLS)
async def test_a_body_that_breaks_off(name: str) -> None:
    """A JSON answer that was lost half way is asked for again where that is safe; a stream never is: it would be doubled."""
    method, call, good = CALLS[name]
    body = STREAM if good is None else json.dumps(good).encode() + b" " * 20

    async def serve(x: Exchange) -> None:
        if len(server.requests) > 1:
            await x.reply()
            return
        await x.send(x.head(length=len(body)) + body[: len(body) // 2])
        x.end()

    kind = "text/event-stream" if good is None else "application/json"
    async with fault_server(serve, body, kind) as server, _client(server.url) as client:
        if method == "POST" or good is None:
            with pytest.raises(KaiStreamError if good is None else KaiConnectionError):
                await call(client)
            assert len(server.requests) == 1
        else:
            await call(client)
            assert len(server.requests) == 2


@pytest.mark.parametrize("name", CALLS)
async def test_what_was_never_sent_is_tried_again(name: str) -> None:
    """Where nobody listens, even a POST is tried `attempts` times; the hook sees each, with growing attempts."""
    seen: list[RetryDetails] = []
    async with _client(f"http://127.0.0.1:{unused_port()}", attempts=4, on_retry=seen.append) as client:
        with pytest.raises(KaiConnectionError):
            await CALLS[name][1](client)
    assert [details.attempt for details in seen] == [1, 2, 3]
    assert all(isinstance(details.error, KaiConnectionError) and 0 <= details.wait <= 0.003 for details in seen)


async def test_the_message_id_is_the_same_over_attempts() -> None:
    """So a backend that did process an attempt recognises the next as the same message."""

    async def serve(x: Exchange) -> None:
        await (_status(x, "503 E", "0") if len(server.requests) <= 2 else x.reply())

    async with fault_server(serve, STREAM, "text/event-stream") as server, _client(server.url) as client:
        assert await client.send_message(CHAT, "Hi").get_final_text() == "Hello"
        await client.send_message(CHAT, "Hi").get_final_text()
    bodies = [json.loads(request.partition("\r\n\r\n")[2]) for request in server.requests]
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[3]["message"]["id"] != bodies[0]["message"]["id"]


def _in(seconds: float) -> str:
    return email.utils.format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize("status", ["429 E", "503 E"])
@pytest.mark.parametrize(
    ("value", "least", "most"),
    [("120", 120, 120), (_in(86_400), 3600, 86_400), ("9" * 400, 1e9, float("inf")), (" 61 ", 61, 61)],
    ids=["seconds", "date", "endless", "padded"],
)
async def test_a_retry_after_over_the_cap_is_raised_at_once(status: str, value: str, least: float, most: float) -> None:
    """Nobody waits so long in a call: the error says when to come back. (A date a day away: the tests take a while, too.)"""

    async def serve(x: Exchange) -> None:
        await _status(x, status, value)

    async with fault_server(serve) as server, _client(server.url) as client:
        for call in (client.info(), client.chat("Hi")):
            with pytest.raises((KaiRateLimitError, KaiServerError)) as caught:
                await call
            assert least <= (caught.value.retry_after or 0) <= most
    assert len(server.requests) == 2


@pytest.mark.parametrize("value", ["0.01", "Thu, 01 Jan 1970 00:00:00 GMT", "0"], ids=["odd", "past", "now"])
async def test_a_retry_after_within_the_cap_is_obeyed(value: str) -> None:
    """It takes the place of the backoff; a date that has passed means now, what cannot be read means nothing."""
    seen: list[RetryDetails] = []

    async def serve(x: Exchange) -> None:
        await (_status(x, "503 E", value) if len(server.requests) == 1 else x.reply())

    body = json.dumps(INFO).encode()
    async with fault_server(serve, body) as server, _client(server.url, on_retry=seen.append) as client:
        await client.info()
    (details,) = seen
    assert details.attempt == 1
    assert details.error.status_code == 503
    assert details.wait == 0 if value != "0.01" else details.wait <= 0.003


async def test_a_hook_can_end_the_call() -> None:
    """What it raises is raised."""

    def enough(_: RetryDetails) -> None:
        raise ZeroDivisionError

    async with _client(f"http://127.0.0.1:{unused_port()}", on_retry=enough) as client:
        with pytest.raises(ZeroDivisionError):
            await client.ping()


async def test_total_bounds_all_attempts() -> None:
    """However many attempts there may be and however long they wait, `total` is the end of it: of calls and streams."""
    total = Timeouts(connect=20, pool=20, idle=20, total=0.2)
    policy = RetryPolicy(attempts=10**6, wait_initial=0.01, wait_max=0.02, retry_after_max=100)

    async def serve(x: Exchange) -> None:
        await _status(x, "503 E", "90" if "/api/chat" in x.request else None)

    async with (
        fault_server(serve) as server,
        KaiClient(TOKEN, "https://x.test", server.url, total, total, retry=policy) as client,
        asyncio.timeout(20),
    ):
        for call in (client.info(), client.chat("Hi")):
            with pytest.raises(KaiTimeoutError) as caught:
                await call
            assert caught.value.code == "timeout:total"


async def test_discovery_is_tried_again_too() -> None:
    """The index is a GET like any other."""

    async def serve(x: Exchange) -> None:
        await (_status(x, "502 E") if len(server.requests) == 1 else x.reply())

    async with fault_server(serve, INDEX) as server:
        policy = RetryPolicy(**QUICK)
        async with KaiClient.from_storage_api(TOKEN, server.url, PATIENT, retry=policy) as client:
            assert client.backend == "kai-agent"
    assert len(server.requests) == 2


@pytest.mark.parametrize("method", JSON_METHODS[2:], ids=lambda method: method.name)
async def test_one_attempt_is_one_attempt(method: Any) -> None:
    """`attempts=1` never repeats anything."""

    async def serve(x: Exchange) -> None:
        await _status(x, "503 E", "0")

    async with fault_server(serve) as server, _client(server.url, attempts=1) as client:
        with pytest.raises(KaiServerError):
            await method.call(Target(server.url, PATIENT, client))
    assert len(server.requests) == 1
