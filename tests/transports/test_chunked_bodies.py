"""Bodies in HTTP chunks of every kind: what undoes them past the HTTP parser reads what that reads, and reports what it reports."""

import asyncio
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_server import CHAT, EVENT, ONCE, STREAM, TOKEN, WHOLE, Request, chunk, client_of, wire_server

from kai_client import KaiClient, KaiError, Timeouts

Outcome = tuple[list[str], str, str | None]

SIZES = ["{:x}", "{:X}", "{:04x}", "{:x};name=value", "{:x} ", "0x{:x}", "-{:x}", "{:x}\n", "{:x}zz", "{:020x}"]
ENDS = [b"0\r\n\r\n", b"000\r\n\r\n", b"0\r\nx-trailer: 1\r\n\r\n", b"0;last\r\n\r\n", b"0\r\n", b""]
LINE_ENDS = [b"\r\n"] * 9 + [b"\n", b"", b"\r\n\r\n", b"5\r\n"]


@st.composite
def bodies(draw: st.DrawFn) -> list[bytes]:
    """What is sent after the head, in pieces."""
    content = EVENT * draw(st.integers(0, 4)) + draw(st.sampled_from([WHOLE, EVENT, b": ping\n\n" + WHOLE]))
    plain = draw(st.booleans())
    sent = bytearray()
    while content:
        size = draw(st.integers(1, max(1, len(content))))
        written = "{:x}" if plain else draw(st.sampled_from(SIZES))
        sent += written.format(size).encode() + b"\r\n" + content[:size]
        sent += b"\r\n" if plain else draw(st.sampled_from(LINE_ENDS))
        content = content[size:]
    sent += draw(st.sampled_from(ENDS))
    cuts = sorted(draw(st.lists(st.integers(0, len(sent)), max_size=6)))
    return [bytes(sent[start:end]) for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True)]


@given(bodies(), st.booleans())
def test_both_stacks_read_the_same(pieces: list[bytes], head_apart: bool) -> None:
    """Events, text and error; httpx as it comes is the reference. Afterwards the client can go on."""
    outcomes = [asyncio.run(_outcome(pieces, stack, head_apart=head_apart)) for stack in ("asyncio", "httpx")]
    assert outcomes[0] == outcomes[1]


async def _outcome(pieces: list[bytes], stack: Literal["asyncio", "httpx"], *, head_apart: bool) -> Outcome:
    async def answer(request: Request) -> None:
        if b"/api/chat" not in request.line:
            await request.reply()
            return
        first, *rest = [STREAM, *pieces] if head_apart else [STREAM + pieces[0], *pieces[1:]]
        await request.send(first)
        for piece in rest:
            await asyncio.sleep(0)
            await request.send(piece)
        if not pieces[-1].endswith(b"\r\n\r\n"):
            request.writer.close()

    patience = Timeouts(idle=20, grace=0.02)
    async with (
        wire_server(answer) as server,
        KaiClient(TOKEN, "https://x.test", server.url, patience, patience, retry=ONCE, transport=stack) as client,
    ):
        events, code = list[str](), None
        stream = client.send_message(CHAT, "Hi")
        try:
            async for event in stream:
                events.append(repr(event))
        except KaiError as error:
            code = error.code
        await client.get_usage()
        return events, stream.text, code


@pytest.mark.parametrize("end", [b"0\r\n\r\n", b"00\r\n\r\n", b"0\r\nx-trailer: 1\r\n\r\n"])
async def test_an_answer_that_nobody_asked_for(end: bytes) -> None:
    """It comes behind the end of another, and is not taken for the answer to the next request."""

    async def answer(request: Request) -> None:
        if b"/api/chat" in request.line:
            await request.send(STREAM + chunk(WHOLE) + end + b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n")
        else:
            await request.reply()

    async with wire_server(answer) as server, client_of(server.url) as client:
        assert await client.send_message(CHAT, "Hi").get_final_text() == "Hi"
        assert (await client.get_usage()).messages_used == 1
