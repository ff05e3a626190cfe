"""Recovery over real sockets: a proxy cuts the connections of the package's own server, in both of its modes."""

import asyncio
import contextlib
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Literal

import pytest
from fault_server import TOKEN

from kai_client import KaiClient, RetryPolicy, TextEvent, Timeouts
from kai_client.server import ScriptedKai, call, kai_app, say, serve

TIMEOUTS = Timeouts(connect=20, pool=20, idle=20, total=60, grace=0.05)
QUICK = RetryPolicy(attempts=1, wait_initial=0.005, wait_max=0.02)
SAID = " ".join(f"slovo{number} 🐎" for number in range(12))
ANSWERED = [say("Let me look."), call("query_data", {"sql": "SELECT 1"}, output=[1, "ž"]), say(SAID)]


class Proxy:
    """Cuts the answer to a chat request after so many bytes of it; everything else passes."""

    def __init__(self, target: str) -> None:
        host, _, port = target.removeprefix("http://").partition(":")
        self._target = host, int(port)
        self.cut_after: int | None = None
        self.url = ""

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        there, back = await asyncio.open_connection(*self._target)
        try:
            with contextlib.suppress(ConnectionError):
                await asyncio.gather(self._up(reader, back), self._down(there, writer, back))
        finally:
            for each in (writer, back):
                each.close()
                with contextlib.suppress(ConnectionError):
                    await each.wait_closed()

    async def _up(self, reader: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            back.write(data)
        with contextlib.suppress(OSError):
            back.write_eof()

    async def _down(
        self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, back: asyncio.StreamWriter
    ) -> None:
        head = await there.readuntil(b"\r\n\r\n")
        left, self.cut_after = (self.cut_after, None) if b"event-stream" in head else (None, self.cut_after)
        writer.write(head)
        while data := await there.read(65536):
            writer.write(data if left is None else data[:left])
            await writer.drain()  # raises once the client is gone
            if left is not None and (left := left - len(data)) <= 0:
                break
        writer.close()


@asynccontextmanager
async def proxied(mode: Literal["agent", "assistant"]) -> AsyncGenerator[Proxy]:
    """The server behind a proxy."""
    kai = ScriptedKai([ANSWERED] * 500)
    async with serve(kai_app(kai, mode=mode)) as url:
        proxy = Proxy(url)
        listener = await asyncio.start_server(proxy.connected, "127.0.0.1", 0)
        async with listener:
            proxy.url = f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}"
            yield proxy


@pytest.mark.parametrize("mode", ["agent", "assistant"])
async def test_a_hundred_cut_connections(mode: Literal["agent", "assistant"]) -> None:
    """Each answer is whole all the same: its text once, its tool call once, its message as the chat has it."""
    chance = random.Random(4)
    async with (
        asyncio.timeout(100),
        proxied(mode) as proxy,
        KaiClient(TOKEN, "https://x.test", proxy.url, stream_timeout=TIMEOUTS, retry=QUICK) as client,
    ):
        for turn in range(100):
            proxy.cut_after = chance.randint(0, 3000)
            chat_id = client.new_chat_id()
            stream = client.send_message(chat_id, "Hi", recover=True)
            events = [event async for event in stream]
            pieces = [event.text for event in events if isinstance(event, TextEvent)]
            assert "".join(pieces) == stream.text == f"Let me look.{SAID}"
            (tool,) = stream.tool_calls.values()
            assert (tool.state, tool.output) == ("output-available", [1, "ž"])
            if turn % 10:
                continue
            stored = (await client.get_chat(chat_id)).messages[-1]
            assert stored.text == stream.text
            assert [part.type for part in stored.parts] == [part.type for part in stream.message.parts]
