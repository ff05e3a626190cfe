"""Faults of connections, framing and encodings: what happens to an answer on its way."""

import asyncio
import gzip
import zlib
from collections.abc import Callable
from typing import Any

from fault_kinds import EITHER, RESULT, RIGHT, Fault, Outcome, Table
from fault_server import TOKEN, Exchange
from raw_sockets import chunk

from kai_client import KaiConnectionError, KaiError, KaiStreamError, KaiTimeoutError

before_head, in_head, in_body, harmless, encoded = Table(), Table(), Table(), Table(), Table()


# Before the head: nothing is known of the answer.


@before_head(KaiConnectionError)
async def _closed_at_once(x: Exchange) -> None:
    x.close()


@before_head(KaiConnectionError)
async def _reset_at_once(x: Exchange) -> None:
    x.reset()


@before_head(KaiConnectionError)
async def _half_closed_at_once(x: Exchange) -> None:
    x.end()


@before_head(KaiTimeoutError, hasty=True)
async def _silence(_: Exchange) -> None:
    pass


# In the head.


@in_head(KaiTimeoutError, hasty=True)
async def _stall_in_the_head(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\ncont")


@in_head(KaiTimeoutError, hasty=True)
async def _head_drips_for_ever(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\n")
    await x.for_ever(b"a: b\r\n", 0.02)


@in_head(KaiTimeoutError, hasty=True)
async def _informational_for_ever(x: Exchange) -> None:
    await x.for_ever(b"HTTP/1.1 102 Processing\r\n\r\n", 0.02)


@in_head(KaiConnectionError)
async def _closed_in_the_head(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/ev")
    x.close()


@in_head(KaiConnectionError)
async def _reset_in_the_head(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\ncontent-type: text/ev")
    x.reset()


@in_head(KaiConnectionError)
async def _huge_header(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\na: " + b"b" * 300_000)


@in_head(KaiConnectionError)
async def _endless_headers(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 200 OK\r\n")
    await x.for_ever(b"a: b\r\n" * 1000)


def _garbled(name: str, head: bytes) -> None:
    async def serve(x: Exchange) -> None:
        await x.send(head)
        x.end()

    in_head.faults.append(Fault(name, serve, KaiConnectionError, KaiConnectionError))


for _name, _head in {
    "no HTTP at all": b"220 mail.example.org ESMTP ready\r\n\r\n",
    "binary garbage": bytes(range(128, 256)) * 8 + b"\r\n\r\n",
    "a TLS alert": b"\x15\x03\x01\x00\x02\x02\x46",
    "HTTP 0.9": b"<html>hello</html>\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 2OO OK\r\n\r\n",
    "status 000": b"HTTP/1.1 000 Nothing\r\ncontent-length: 0\r\n\r\n",
    "a header line without a colon": b"HTTP/1.1 200 OK\r\nfoo\r\n\r\n",
    "a NUL in a header": b"HTTP/1.1 200 OK\r\na: b\0c\r\n\r\n",
    "two content lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n{}",
    "a negative content length": b"HTTP/1.1 200 OK\r\ncontent-length: -3\r\n\r\n{}",
    "an unknown transfer encoding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: carrier-pigeon\r\n\r\n{}",
    "the token in a broken header": f"HTTP/1.1 200 OK\r\n{TOKEN}\r\n\r\n".encode(),
    "the token for a status line": f"{TOKEN}\r\n\r\n".encode(),
}.items():
    _garbled(_name, _head)


# In the body: the head has promised an answer.


def _half(x: Exchange) -> bytes:
    return x.body[: len(x.body) // 2]


@in_body(KaiTimeoutError, hasty=True)
async def _stall_before_the_body(x: Exchange) -> None:
    await x.send(x.head(length=len(x.body)))


@in_body(KaiTimeoutError, hasty=True)
async def _stall_in_the_body(x: Exchange) -> None:
    await x.send(x.head(length=len(x.body)) + _half(x))


@in_body(KaiTimeoutError, hasty=True)
async def _stall_in_a_chunk(x: Exchange) -> None:
    await x.send(x.head(extra="transfer-encoding: chunked\r\n") + chunk(_half(x))[:-5])


@in_body(KaiTimeoutError, hasty=True)
async def _body_drips_for_ever(x: Exchange) -> None:
    await x.send(x.head())
    await x.for_ever(b": \n" if x.content_type == "text/event-stream" else b"   ", 0.02)


@in_body(KaiConnectionError, KaiStreamError)
async def _half_closed_in_the_body(x: Exchange) -> None:
    await x.send(x.head(length=len(x.body)) + _half(x))
    x.end()


@in_body(KaiConnectionError, KaiStreamError)
async def _reset_in_the_body(x: Exchange) -> None:
    await x.send(x.head(length=len(x.body)) + _half(x))
    await asyncio.sleep(0.01)  # so that the head is read: a reset throws away what was not
    x.reset()


@in_body(KaiConnectionError, KaiStreamError)
async def _chunks_without_the_last(x: Exchange) -> None:
    await x.send(x.head(extra="transfer-encoding: chunked\r\n") + chunk(_half(x)))
    x.close()


@in_body(KaiConnectionError, KaiStreamError)
async def _chunk_of_a_wrong_size(x: Exchange) -> None:
    await x.send(x.head(extra="transfer-encoding: chunked\r\n") + b"1\r\n" + x.body + b"\r\n0\r\n\r\n")
    x.close()


@in_body(KaiConnectionError, KaiStreamError)
async def _chunk_size_that_is_no_number(x: Exchange) -> None:
    await x.send(x.head(extra="transfer-encoding: chunked\r\n") + b"zz\r\n" + x.body)
    x.close()


@in_body(KaiConnectionError, RIGHT)
async def _content_length_too_long(x: Exchange) -> None:
    """A stream's answer was declared over: how its connection ends no longer matters."""
    await x.send(x.head(length=len(x.body) + 10) + x.body)
    x.end()


@in_body(KaiError, KaiStreamError, any=RESULT)
async def _content_length_too_short(x: Exchange) -> None:
    await x.reply(length=len(x.body) // 2)


@in_body(KaiError, KaiStreamError, any=RESULT)
async def _cut_and_closed_without_framing(x: Exchange) -> None:
    await x.send(x.head() + _half(x))
    x.end()


@in_body(KaiError, KaiStreamError)
async def _endless_body(x: Exchange) -> None:
    await x.send(x.head())
    await x.for_ever(b"data: [" + b"[" * 65536 if x.content_type == "text/event-stream" else b" " * 65536)


# Harmless: the answer is right, only its form is unusual.


@harmless(RIGHT)
async def _byte_by_byte(x: Exchange) -> None:
    await x.drip(x.head(length=len(x.body)) + x.body)


@harmless(RIGHT)
async def _chunked_bytes(x: Exchange) -> None:
    pieces = b"".join(chunk(x.body[i : i + 1]) for i in range(len(x.body)))
    await x.send(x.head(extra="transfer-encoding: chunked\r\n") + pieces + b"0\r\n\r\n")


@harmless(RIGHT)
async def _chunk_extensions_and_trailers(x: Exchange) -> None:
    data = f"{len(x.body):X};a=b\r\n".encode() + x.body + b"\r\n0\r\nx-trailer: 1\r\n\r\n"
    await x.send(x.head(extra="transfer-encoding: chunked\r\n") + data)


@harmless(RIGHT)
async def _closed_without_framing(x: Exchange) -> None:
    await x.send(x.head() + x.body)
    x.end()


@harmless(RIGHT)
async def _reset_after_the_answer(x: Exchange) -> None:
    await x.reply()
    await asyncio.sleep(0.01)
    x.reset()


@harmless(RIGHT)
async def _more_after_the_answer(x: Exchange) -> None:
    await x.reply()
    await x.send(b"HTTP/1.1 500 What\r\n\r\n")


@harmless(RIGHT)
async def _continue_first(x: Exchange) -> None:
    await x.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n")
    await x.reply()


@harmless(RIGHT)
async def _no_content_type(x: Exchange) -> None:
    await x.reply(content_type=None)


@harmless(RIGHT)
async def _plain_text_for_a_type(x: Exchange) -> None:
    await x.reply(content_type="text/plain")


@harmless(RIGHT)
async def _a_content_type_that_is_none(x: Exchange) -> None:
    await x.reply(content_type=";;;=\xe9", extra="content-type: \r\n")


@harmless(RIGHT)
async def _wrong_charset(x: Exchange) -> None:
    await x.reply(content_type=f"{x.content_type}; charset=utf-16")


@harmless(RIGHT)
async def _unknown_charset(x: Exchange) -> None:
    await x.reply(content_type=f"{x.content_type}; charset=klingon")


@harmless(RIGHT)
async def _byte_order_mark(x: Exchange) -> None:
    await x.reply(b"\xef\xbb\xbf" + x.body)


@harmless(RIGHT)
async def _odd_reason_phrase(x: Exchange) -> None:
    await x.reply(status="200 \xe9\xff \t...")


@harmless(RIGHT)
async def _many_headers(x: Exchange) -> None:
    await x.reply(extra="".join(f"x-{i}: {i}\r\n" for i in range(1000)))


@harmless(RIGHT)
async def _odd_headers(x: Exchange) -> None:
    await x.reply(
        extra="retry-after: soon\r\nset-cookie: a=b; expires=never; domain=.\r\nx-request-id: \r\nlocation: http://[\r\n"
    )


# Encoded bodies.


def _encoded(
    name: str, encoding: str, encode: Callable[[bytes], bytes], json: Outcome, stream: Outcome, **more: Any
) -> None:
    async def serve(x: Exchange) -> None:
        await x.reply(encode(x.body), extra=f"content-encoding: {encoding}\r\n")

    encoded.faults.append(Fault(name, serve, json, stream, **more))


def _deflate(data: bytes) -> bytes:
    return zlib.compress(data)


def _raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


def _bomb(data: bytes) -> bytes:
    return (
        gzip.compress(data + b" " * 8_000_000, 9)
        if data[:1] != b"d"
        else gzip.compress(b"data: " + b"[" * 8_000_000, 9)
    )


_BOMBS: dict[bytes, bytes] = {}


def _cached_bomb(data: bytes) -> bytes:
    return _BOMBS.setdefault(data, _bomb(data))


def _double_bomb(data: bytes) -> bytes:
    return _BOMBS.setdefault(b"2" + data, gzip.compress(_cached_bomb(data), 9))


_encoded("gzip", "gzip", gzip.compress, RIGHT, RIGHT)
_encoded("x-gzip", "x-gzip", gzip.compress, RIGHT, RIGHT)
_encoded("deflate", "deflate", _deflate, RIGHT, RIGHT)
_encoded("raw deflate", "deflate", _raw_deflate, RIGHT, RIGHT)
_encoded("gzip twice", "gzip, gzip", lambda b: gzip.compress(gzip.compress(b)), RIGHT, RIGHT)
_encoded("gzip of two members", "gzip", lambda b: gzip.compress(b[:5]) + gzip.compress(b[5:]), RIGHT, RIGHT)
_encoded("identity by name", "identity", bytes, RIGHT, RIGHT)
_encoded("an unknown encoding by name only", "rot13", bytes, RIGHT, RIGHT)
_encoded("gzip cut short", "gzip", lambda b: gzip.compress(b)[:-12], KaiConnectionError, EITHER)
_encoded("gzip by name only", "gzip", bytes, KaiConnectionError, KaiStreamError)
_encoded("gzip gone bad", "gzip", lambda b: gzip.compress(b)[:14] + b"\xff" * 40, KaiConnectionError, KaiStreamError)
_encoded("an encoding that nobody asked for", "br", gzip.compress, KaiError, KaiStreamError, any=EITHER)
_encoded("gzip bomb", "gzip", _cached_bomb, KaiError, KaiStreamError)
_encoded("gzip bomb in gzip", "gzip, gzip", _double_bomb, KaiError, KaiStreamError)
_encoded("forty encodings", ", ".join(["gzip"] * 40), _cached_bomb, KaiError, KaiStreamError)
