"""An observer is told the same of an answer whoever reads it, and however: event by event costs no message."""

import asyncio
from collections.abc import AsyncGenerator, Generator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from pathlib import Path

import pytest
from raw_sockets import RawServer, listening, read_request

from kai_client import KaiClient, KaiError, telemetry
from kai_client.telemetry import AnswerEnded

FILES = sorted((Path(__file__).parents[1] / "recorded").glob("*.sse"))
RECORDED = {path.stem: path.read_bytes() for path in FILES}
FRAMINGS = {"plain": b"\n", "carriage returns": b"\r\n"}


class Listener:
    """Notes how chats end."""

    wants_text = False

    def __init__(self) -> None:
        self.endings: list[telemetry.Ended] = []

    def begin(self, work: telemetry.Work) -> telemetry.Observation:
        """See `Observer`."""
        return self

    def note(self, what: telemetry.Note) -> None:
        """See `Observer`."""

    def headers(self) -> dict[str, str]:
        """See `Observer`."""
        return {}

    def continuing(self, headers: object) -> AbstractContextManager[None]:
        """See `Observer`."""
        return nullcontext()

    def active(self) -> AbstractContextManager[None]:
        """See `Observation`."""
        return nullcontext()

    def end(self, ending: telemetry.Ended) -> None:
        """See `Observation`."""
        self.endings.append(ending)


@pytest.fixture
def listener() -> Generator[Listener]:
    """Who is told."""
    found = Listener()
    telemetry.observe(found)
    yield found
    telemetry.observe(None)


@asynccontextmanager
async def answering(body: bytes) -> AsyncGenerator[KaiClient]:
    """A client of a server that answers so, and hangs up."""
    seen = RawServer()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        head = (
            b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
            % len(body)
        )
        writer.write(head + body)
        await writer.drain()
        await reader.read()

    async with listening(seen, serve), KaiClient("some-token", seen.url, seen.url) as kai:
        yield kai


def told(ending: telemetry.Ended) -> object:
    """What is told of an answer beside its text."""
    assert isinstance(ending, AnswerEnded)
    calls = [(call.tool_name, call.tool_call_id, call.state) for call in ending.tool_calls]
    whole = ending.is_whole, ending.finish_reason, ending.first_event is not None
    return whole, ending.message.id, ending.usage, calls, type(ending.error), getattr(ending.error, "code", None)


@pytest.mark.parametrize("newline", FRAMINGS.values(), ids=FRAMINGS)
@pytest.mark.parametrize("body", RECORDED.values(), ids=RECORDED)
async def test_all_readers_have_the_same_ending(listener: Listener, body: bytes, newline: bytes) -> None:
    """Iterated, or read as a message, plain or not: the same tokens, tool calls, end and error."""
    async with answering(body.replace(b"\n", newline)) as kai:
        with suppress(KaiError):
            async for _ in kai.send_message(kai.new_chat_id(), "Hi"):
                pass
        stream = kai.send_message(kai.new_chat_id(), "Hi")
        with suppress(KaiError):
            await stream.get_final_message()
    iterated, read = listener.endings
    assert told(iterated) == told(read)
