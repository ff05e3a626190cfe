"""Timeouts by name: what re-arms them, what does not, and what an answer that was declared over still waits for."""

import asyncio
import json
from typing import Any

import pytest
from fault_methods import CHAT, CHUNKS, INFO, STREAM
from fault_server import TOKEN, Exchange, fault_server
from raw_sockets import chunk

from kai_client import KaiClient, KaiTimeoutError, Timeouts, UsageEvent

LONG = 30.0
USAGE = b'data: {"type":"data-usage","data":{"promptTokens":3,"completionTokens":4}}\n\n'
CUT = STREAM.index(b'"llo"')
FINISH = "".join(f"data: {json.dumps(each)}\n\n" for each in CHUNKS).encode()


def _client(url: str, **timeouts: Any) -> KaiClient:
    waits = Timeouts(**{"connect": LONG, "pool": LONG, "idle": LONG, **timeouts})
    return KaiClient(TOKEN, "https://x.test", url, waits, waits)


async def test_any_byte_re_arms_idle() -> None:
    """Comments keep a silent answer alive for ten times the idle timeout, and so do the bytes of one event."""

    async def serve(x: Exchange) -> None:
        await x.send(x.head())
        for _ in range(20):
            await x.send(b": still here\n\n")
            await asyncio.sleep(0.1)
        await x.reply() if x.writer.is_closing() else await x.send(STREAM)
        x.close()

    async with fault_server(serve, STREAM, "text/event-stream") as server, _client(server.url, idle=1) as client:
        assert (await client.chat("Hi"))[1] == "Hello"


async def test_idle_says_so_and_has_what_arrived() -> None:
    """The error counts events and bytes, and carries the partial answer."""

    async def serve(x: Exchange) -> None:
        await x.send(x.head() + STREAM[:CUT])

    async with fault_server(serve, STREAM, "text/event-stream") as server, _client(server.url, idle=0.1) as client:
        with pytest.raises(KaiTimeoutError, match=f"after 4 events, {CUT} bytes") as caught:
            await client.chat("Hi")
    assert caught.value.code == "timeout:idle"
    assert caught.value.partial_text == "He"


@pytest.mark.parametrize("over", [FINISH, STREAM], ids=["finish", "[DONE]"])
async def test_an_answer_that_is_over_waits_for_the_grace_period_only(over: bytes) -> None:
    """A connection that stays open afterwards ends the stream normally; usage that comes meanwhile is read."""

    async def serve(x: Exchange) -> None:
        await x.send(x.head() + over)
        await asyncio.sleep(0.02)
        await x.send(USAGE)
        await asyncio.sleep(0.02)
        await x.send(USAGE)

    async with fault_server(serve, b"", "text/event-stream") as server, _client(server.url, grace=1) as client:
        stream = client.send_message(CHAT, "Hi")
        async with asyncio.timeout(LONG):
            events = [event async for event in stream]
        assert [type(event) for event in events[-2:]] == [UsageEvent, UsageEvent]
        assert stream.usage.total_tokens == 14
        await server.until_free()


async def test_comments_do_not_prolong_the_grace_period() -> None:
    """A server that pings for ever after `finish` does not keep the answer open."""

    async def serve(x: Exchange) -> None:
        await x.send(x.head() + STREAM)
        await x.for_ever(b": ping\n\n", 0.01)

    async with fault_server(serve, b"", "text/event-stream") as server, _client(server.url, grace=0.1) as client:
        async with asyncio.timeout(LONG):
            assert (await client.chat("Hi"))[1] == "Hello"


async def test_total_is_the_end_even_of_a_lively_stream() -> None:
    """Events that never end do not re-arm `total`."""

    async def serve(x: Exchange) -> None:
        await x.send(x.head())
        await x.for_ever(b'data: {"type":"text-delta","id":"0","delta":"x"}\n\n', 0.01)

    async with fault_server(serve, b"", "text/event-stream") as server, _client(server.url, total=0.3) as client:
        async with asyncio.timeout(LONG):
            with pytest.raises(KaiTimeoutError) as caught:
                await client.chat("Hi")
    assert caught.value.code == "timeout:total"
    assert caught.value.partial_text


async def test_total_does_not_spoil_an_answer_that_is_over() -> None:
    """Where `total` runs out within the grace period, the answer is whole all the same."""

    async def serve(x: Exchange) -> None:
        await x.send(x.head() + STREAM)

    waits = {"total": 0.5, "grace": LONG}
    async with fault_server(serve, b"", "text/event-stream") as server, _client(server.url, **waits) as client:
        async with asyncio.timeout(LONG):
            assert (await client.chat("Hi"))[1] == "Hello"


async def test_the_time_between_two_reads_is_the_callers() -> None:
    """A consumer may think for longer than `idle`: only waiting for the server counts."""

    async def serve(x: Exchange) -> None:
        for i in range(0, len(STREAM), 150):
            await x.send((b"" if i else x.head(extra="transfer-encoding: chunked\r\n")) + chunk(STREAM[i : i + 150]))
        await x.send(b"0\r\n\r\n")

    async with fault_server(serve, b"", "text/event-stream") as server, _client(server.url, idle=0.2) as client:
        async for _ in client.send_message(CHAT, "Hi"):
            await asyncio.sleep(0.05)


async def test_timeouts_of_one_call() -> None:
    """`timeout=` of a message and `with_options` take the place of the client's."""

    async def serve(x: Exchange) -> None:
        pass

    async with fault_server(serve, json.dumps(INFO).encode()) as server, _client(server.url) as client:
        with pytest.raises(KaiTimeoutError):
            await client.chat("Hi", timeout=0.05)
        with pytest.raises(KaiTimeoutError):
            await client.send_message(CHAT, "Hi", timeout=Timeouts(total=0.05)).get_final_text()
        with pytest.raises(KaiTimeoutError):
            await client.with_options(timeout=0.05).info()
