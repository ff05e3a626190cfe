"""Cancellations, hundreds of streams, event loops: whatever happens to a client, its connections come back."""

import asyncio
import random

import httpx
import pytest
from fault_methods import CHAT, NOW, ONCE, STREAM
from fault_server import TOKEN, Exchange, fault_server
from raw_sockets import chunk

from kai_client import KaiClient, KaiClosedError, KaiStreamError, Limits, Timeouts

PONG = f'{{"timestamp": "{NOW}"}}'.encode()
TIMEOUTS = Timeouts(connect=30, pool=30, idle=30, grace=0.05)


async def _slowly(x: Exchange) -> None:
    """A ping at once; a stream piece by piece, then silence: so that there are many moments to be cancelled in."""
    if x.request.startswith("GET /ping"):
        await x.reply(PONG, content_type="application/json")
        return
    await asyncio.sleep(random.random() / 500)
    await x.send(x.head(extra="transfer-encoding: chunked\r\n"))
    for i in range(0, len(STREAM) // 2, 40):
        await x.send(chunk(STREAM[i : i + 40]))
        await asyncio.sleep(0)


@pytest.mark.parametrize("connections", [1000, 7], ids=["room for all", "a pool that is too small"])
async def test_a_thousand_cancellations_leave_the_pool_whole(connections: int) -> None:
    """Cancelled at random moments, from before the connection to the middle of the body; then five requests work."""
    limits = Limits(connections=connections)
    async with (
        fault_server(_slowly, STREAM, "text/event-stream") as server,
        KaiClient(TOKEN, "https://x.test", server.url, TIMEOUTS, TIMEOUTS, retry=ONCE, limits=limits) as client,
    ):
        for _ in range(20):
            tasks = [asyncio.create_task(_cancelled(client)) for _ in range(50)]
            await asyncio.gather(*tasks)
        async with asyncio.timeout(60):
            await server.until_free()
            for _ in range(5):
                await client.ping()
            await server.until_free()
    assert server.open == 0


async def _cancelled(client: KaiClient) -> None:
    async def read() -> None:
        if random.random() < 0.5:
            async for _ in client.send_message(CHAT, "Hi"):
                pass
        else:
            await client.chat("Hi")

    task = asyncio.create_task(read())
    await asyncio.sleep(random.random() / 50)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_five_hundred_streams_are_open_at_once() -> None:
    """Each gets its own answer, and none waits for another."""
    release, waiting = asyncio.Event(), 0

    async def serve(x: Exchange) -> None:
        nonlocal waiting
        waiting += 1
        await x.send(x.head() + STREAM[:120])
        if waiting == 500:
            release.set()
        await release.wait()
        await x.send(STREAM[120:])
        x.close()

    async with (
        fault_server(serve, STREAM, "text/event-stream") as server,
        KaiClient(TOKEN, "https://x.test", server.url, TIMEOUTS, TIMEOUTS, retry=ONCE) as client,
    ):
        answers = await asyncio.gather(*(client.chat("Hi") for _ in range(500)))
        await server.until_free()
    assert {text for _, text in answers} == {"Hello"}
    assert len({chat_id for chat_id, _ in answers}) == 500


async def test_streams_that_end_free_their_connections() -> None:
    """A pool of two serves twenty answers one after the other, however each of them ends."""
    turn = 0

    async def serve(x: Exchange) -> None:
        nonlocal turn
        turn += 1
        await x.send(x.head(extra="transfer-encoding: chunked\r\n") + chunk(STREAM[: [len(STREAM), 60][turn % 2]]))
        if turn % 2:
            x.close()  # broken off; the others stay open after [DONE]

    limits = Limits(connections=2)
    async with (
        fault_server(serve, STREAM, "text/event-stream") as server,
        KaiClient(TOKEN, "https://x.test", server.url, TIMEOUTS, TIMEOUTS, retry=ONCE, limits=limits) as client,
        asyncio.timeout(60),
    ):
        for i in range(20):
            if i % 2:
                assert (await client.chat("Hi"))[1] == "Hello"
            else:
                with pytest.raises(KaiStreamError):
                    await client.chat("Hi")


async def test_a_stream_of_a_closed_client_is_an_error() -> None:
    """Closing the client under a stream that is read is a typed error, and frees its connection."""
    reading = asyncio.Event()

    async def serve(x: Exchange) -> None:
        await x.send(x.head() + STREAM[:120])

    async def read(client: KaiClient) -> None:
        async for _ in client.send_message(CHAT, "Hi"):
            reading.set()

    async with (
        asyncio.timeout(30),
        fault_server(serve, STREAM, "text/event-stream") as server,
        KaiClient(TOKEN, "https://x.test", server.url, TIMEOUTS, TIMEOUTS) as client,
    ):
        task = asyncio.create_task(read(client))
        await reading.wait()
        await client.close()
        with pytest.raises((KaiStreamError, KaiClosedError)):
            await task
        await server.until_free()


def test_another_event_loop_is_a_clear_error() -> None:
    """One client serves one loop: in a second one every call, and closing, says so instead of "Event loop is closed"."""

    async def serve(x: Exchange) -> None:
        await x.reply(PONG)

    async def first() -> KaiClient:
        async with fault_server(serve) as server:
            client = KaiClient(TOKEN, "https://x.test", server.url)
            await client.ping()
            await server.until_free()
        return client

    async def second(client: KaiClient) -> None:
        for use in (client.ping(), client.chat("Hi"), client.close(), client.close()):
            with pytest.raises(KaiClosedError) as caught:
                await use
            assert caught.value.code in {"closed", "closed:other_loop"}

    asyncio.run(second(asyncio.run(first())))


async def test_closing_twice_is_fine() -> None:
    """Clients and streams, in any order; a closed one says so."""
    client = KaiClient(TOKEN, "https://x.test")
    stream = client.send_message(CHAT, "Hi")
    for _ in range(2):
        await stream.aclose()
        await client.close()
        await client.aclose()
    with pytest.raises(KaiClosedError):
        await client.ping()
    with pytest.raises(KaiClosedError):
        await client.send_message(CHAT, "Hi").get_final_text()


async def test_a_given_http_client_that_was_closed_is_a_clear_error() -> None:
    """A RuntimeError of httpx becomes a `KaiClosedError`."""
    http = httpx.AsyncClient()
    await http.aclose()
    client = KaiClient(TOKEN, "https://x.test", http_client=http)
    with pytest.raises(KaiClosedError):
        await client.ping()
    with pytest.raises(KaiClosedError):
        await client.chat("Hi")
