"""Faults of contents: another answer than the one that was promised."""

import gzip
import json
from collections.abc import Awaitable, Callable
from typing import Any

from fault_kinds import EITHER, RESULT, RIGHT, Fault, Outcome, Table
from fault_methods import CHUNKS
from fault_server import TOKEN, Exchange

from kai_client import (
    KaiAuthenticationError,
    KaiConnectionError,
    KaiError,
    KaiForbiddenError,
    KaiNotFoundError,
    KaiRateLimitError,
    KaiServerError,
    KaiStreamError,
)

other_content, refused, echoes, streams = Table(), Table(), Table(), Table()


# Something else in the place of the answer.


def _instead(
    name: str,
    body: bytes | None,
    json: Outcome,
    stream: Outcome,
    *,
    status: str = "200 OK",
    content_type: str | None = "application/json",
    extra: str = "",
    **more: Any,
) -> None:
    async def serve(x: Exchange) -> None:
        kind = x.content_type if body is None else content_type
        await x.reply(body, status=status, content_type=kind, extra=extra)

    other_content.faults.append(Fault(name, serve, json, stream, **more))


PAGE = b"<!DOCTYPE html><html><body>Sign in to the Wi-Fi</body></html>"
_instead("a page", PAGE, KaiError, KaiStreamError, content_type="text/html; charset=utf-8")
_instead(
    "a page that claims to be a stream", PAGE, KaiError, KaiStreamError, content_type="text/event-stream", any=RESULT
)
_instead("a page of unknown type", PAGE, KaiError, KaiStreamError, content_type=None, any=EITHER)
_instead("an XML document", b"<error/>", KaiError, KaiStreamError, content_type="application/xml", any=EITHER)
_instead("nothing", b"", KaiError, KaiStreamError, content_type=None, any=RESULT, resume=RESULT)
_instead("204", b"", KaiError, KaiStreamError, status="204 No Content", content_type=None, any=RESULT, resume=RESULT)
_instead("201 with the answer", None, RIGHT, KaiStreamError, status="201 Created")
_instead("206 with the answer", None, RIGHT, KaiStreamError, status="206 Partial Content")
_instead("a status line without a reason", None, RIGHT, RIGHT, status="200")
_instead("101", b"", KaiError, KaiError, status="101 Switching", extra="connection: upgrade\r\nupgrade: x\r\n")
_instead("UTF-16", '{"a": "ž"}'.encode("utf-16"), KaiError, KaiStreamError, content_type=None, any=RESULT)
_instead("NaN", b'{"id": NaN}', KaiError, KaiStreamError, any=RESULT)
_instead("two JSON values", b"{}{}", KaiError, KaiStreamError, any=RESULT)
_instead("nested too deeply", b"[" * 200_000 + b"]" * 200_000, KaiError, KaiStreamError, any=RESULT)
_instead("nested deeply", b'{"id":' * 900 + b"1" + b"}" * 900, KaiError, KaiStreamError, any=EITHER)
_instead("a number of 10,000 digits", b"1" * 10_000, KaiError, KaiStreamError, any=EITHER)
_instead("JSON with control characters", b'{"id": "a\x00\x1b[2J"}', KaiError, KaiStreamError, any=RESULT)
_instead(
    "bytes that are no text", bytes(range(256)) * 4, KaiError, KaiStreamError, content_type="text/plain", any=RESULT
)
for _value in ("null", "17", '"text"', "[]", "{}", '{"id": null, "services": 3}'):
    _instead(f"JSON {_value}", _value.encode(), EITHER, KaiStreamError, any=EITHER)


# Refused: the status says no, whatever the body says.

_BY_STATUS: dict[int, type[KaiError]] = {
    401: KaiAuthenticationError,
    403: KaiForbiddenError,
    404: KaiNotFoundError,
    429: KaiRateLimitError,
    500: KaiServerError,
    503: KaiServerError,
}


def _refused(
    name: str, status: int, body: bytes, content_type: str | None = "application/json", extra: str = ""
) -> None:
    kind = _BY_STATUS.get(status, KaiError)

    async def serve(x: Exchange) -> None:
        await x.reply(body, status=f"{status} Oops", content_type=content_type, extra=extra)

    refused.faults.append(Fault(name, serve, kind, kind))


_refused("401 flat", 401, b'{"code": "unauthorized:chat", "message": "no"}')
_refused("403 nested", 403, b'{"error": {"type": "forbidden", "surface": "chat", "message": "no", "exceptionId": "K"}}')
_refused("404 empty", 404, b"", None)
_refused("429 date", 429, b"slow down", "text/plain", "retry-after: Fri, 31 Dec 9999 23:59:59 GMT\r\n")
_refused("500 page", 500, PAGE, "text/html")
_refused("500 broken JSON", 500, b'{"message": "ha')
_refused("500 odd shapes", 500, b'{"message": {"a": 1}, "code": 7, "error": {"type": []}, "cause": [1]}')
_refused("500 list", 500, b"[1, 2]")
_refused("500 nested too deeply", 500, b"[" * 200_000)
_refused("500 gzip bomb", 500, gzip.compress(b" " * 8_000_000), None, "content-encoding: gzip\r\n")
_refused("500 gzip by name only", 500, b"no", None, "content-encoding: gzip\r\n")
_refused("503 odd Retry-After", 503, b"", None, "retry-after: Mon, 01 Jan 99999999999999999999 00:00:00 +9999999\r\n")
_refused("503 endless Retry-After", 503, b"", None, f"retry-after: {'9' * 400}\r\n")
for _status in (302, 304, 308):
    for _where, _location in {
        "same host": "/elsewhere",
        "other host": "http://evil.test/",
        "other scheme": "https://127.0.0.1/",
        "nowhere": "",
        "no URL": "http://[::",
    }.items():
        if _status == 302 or (_where == "other host" and _status in {304, 308}):
            _refused(f"{_status} {_where}", _status, b"", None, f"location: {_location}\r\n")


def _error_body(name: str, body: Callable[[Exchange], Awaitable[None]]) -> None:
    async def serve(x: Exchange) -> None:
        await x.send(x.head("503 Busy", "application/json", length=10_000_000))
        await body(x)

    refused.faults.append(Fault(f"503 {name}", serve, KaiServerError, KaiServerError, hasty=name != "broken off"))


async def _stall(x: Exchange) -> None:
    await x.send(b'{"code"')


async def _huge(x: Exchange) -> None:
    await x.for_ever(b"x" * 65536)


async def _broken_off(x: Exchange) -> None:
    await x.send(b'{"code"')
    x.end()


async def _dripping(x: Exchange) -> None:
    await x.for_ever(b"x", 0.02)


_error_body("stalling", _stall)
_error_body("huge", _huge)
_error_body("broken off", _broken_off)
_error_body("dripping", _dripping)


# The token comes back.


def _echo(name: str, body: str, kind: type[KaiError], head: str = "500 Oops", **more: str) -> None:
    async def serve(x: Exchange) -> None:
        await x.reply(body.encode(), status=head, **{"content_type": "application/json", **more})

    echoes.faults.append(Fault(name, serve, kind, kind))


_ESCAPED = "".join(f"\\u{ord(char):04x}" for char in TOKEN)
_echo("in a message", json.dumps({"code": TOKEN, "message": f"bad {TOKEN}", "cause": TOKEN}), KaiServerError)
_echo("in keys and depths", json.dumps({"message": "m", TOKEN: [{"a": [TOKEN]}]}), KaiServerError)
_echo("escaped", f'{{"message": "bad {_ESCAPED}", "more": ["{_ESCAPED}"]}}', KaiServerError)
_echo("nested", json.dumps({"error": {"type": TOKEN, "message": TOKEN, "exceptionId": TOKEN}}), KaiServerError)
_echo("as text", f"token {TOKEN}", KaiServerError, content_type="text/plain")
_echo("in a page", f"<html>{'x' * 190}{TOKEN}</html>", KaiServerError, content_type="text/html")
_echo("as the request id", "", KaiServerError, extra=f"x-request-id: {TOKEN}\r\n")
_echo("in every header", "", KaiServerError, extra=f"location: /{TOKEN}\r\nset-cookie: a={TOKEN}\r\n{TOKEN}: 1\r\n")
_echo("as the reason", "", KaiServerError, head=f"500 {TOKEN}")
_echo("in a redirect", "", KaiError, head=f"302 {TOKEN}", extra=f"location: http://{TOKEN}.test/{TOKEN}\r\n")
_echo("as the length", "", KaiConnectionError, head="200 OK", length=TOKEN)
_echo("as the encoding", "no", KaiError, head="200 OK", extra=f"content-encoding: gzip, {TOKEN}\r\n")
_echo("in a 200 of the wrong type", f"<html>{TOKEN}", KaiError, head="200 OK", content_type=f"text/{TOKEN}+html")


@echoes(KaiConnectionError, KaiStreamError)
async def _in_a_chunk_size(x: Exchange) -> None:
    await x.send(x.head(extra="transfer-encoding: chunked\r\n") + TOKEN.encode() + b"\r\n")
    x.end()


# Streams only.


def _events(name: str, events: str, stream: Outcome, answer: Outcome | None = None, **more: Any) -> None:
    async def serve(x: Exchange) -> None:
        await x.reply(events.encode())

    streams.faults.append(Fault(name, serve, RIGHT, stream, answer=answer, **more))


def _data(*chunks: object) -> str:
    return "".join(f"data: {json.dumps(each)}\n\n" for each in chunks)


_SAID = _data(*CHUNKS[:5])
_OVER = _data(*CHUNKS)
_events("no end", _SAID, KaiStreamError)
_events("finish without [DONE]", _OVER, RIGHT)
_events("[DONE] without finish", _data(*CHUNKS[:-1]) + "data: [DONE]\n\n", RESULT, RIGHT)
_events("comments and fields", f": hi\nid: 7\nretry: 1\nevent: x\n\n{_OVER}:\n\n", RIGHT)
_events("no blank lines", "\n".join(_OVER.split("\n\n")), RIGHT)
_events("carriage returns", _OVER.replace("\n", "\r"), RIGHT)
_events("an error", _SAID + _data({"type": "error", "errorText": f"no {TOKEN}"}), RESULT, KaiStreamError)
_events(
    "a coded error", _data({"type": "error", "message": TOKEN, "code": "rate_limit:chat"}), RESULT, KaiRateLimitError
)
_events("an odd error", _data({"type": "error", "errorText": {}, "message": [], "code": 7}), EITHER, KaiStreamError)
_events("an abort", _SAID + _data({"type": "abort", "reason": TOKEN}), RESULT, KaiStreamError)
_events("broken JSON", f"{_SAID}data: {{{TOKEN}\n\n", KaiStreamError)
_events("no object", f'{_SAID}data: "{TOKEN}"\n\n', KaiStreamError)
_events("no delta", _SAID + _data({"type": "text-delta", TOKEN: TOKEN}), KaiStreamError)
_events("a token for a type", _SAID + _data({"type": TOKEN}, {"type": "finish"}), RESULT, RESULT)
_events("deltas of the token", _data({"type": "text-delta", "id": "0", "delta": f"x{TOKEN}"}), KaiStreamError)
_events("a huge event", _SAID + _data({"type": "data-x", "data": "y" * 3_000_000}), KaiStreamError)
_events("nested too deeply", f"{_SAID}data: {'[' * 200_000}\n\n", KaiStreamError)
_events("nested deeply", f'{_SAID}data: {{"type":"data-x","data":{"[" * 900}{"]" * 900}}}\n\n', KaiStreamError)
_events("unknown chunks", _data({"type": "new"}, {"no": "type"}, {"type": 7}, {"type": None}) + _OVER, RESULT, RIGHT)
_events("torn at the end", f'{_SAID}data: {{"type":"fin', KaiStreamError)


@streams(RIGHT, RIGHT)
async def _open_after_done(x: Exchange) -> None:
    await x.send(x.head() + x.body)


@streams(RIGHT, RIGHT)
async def _comments_for_ever_after_finish(x: Exchange) -> None:
    await x.send(x.head() + x.body)
    await x.for_ever(b": ping\n\n", 0.02)
