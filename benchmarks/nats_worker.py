"""The other end of the part `nats`: `python -m benchmarks.nats_worker URL COUNT` answers on a broker, until it is ended.

It has our service, and a bare nats-py publisher that sends the same events, as bytes that it made before.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from typing import Any

from faststream.nats import NatsBroker
from nats.aio.msg import Msg

from kai_client.events import FinishEvent, SSEEvent, StartEvent, TextDeltaEvent
from kai_client.nats import kai_router
from kai_client.nats.door import Connection, connect

BARE = "bench.bare"


def events(count: int) -> list[SSEEvent]:
    """An answer of `count` events."""
    words = [TextDeltaEvent(id="0", text=f" word{number}") for number in range(count - 2)]
    return [StartEvent(message_id="m"), *words, FinishEvent(finish_reason="stop")]


class Fixed:
    """A backend whose every answer is the same."""

    def __init__(self, answer: list[SSEEvent]) -> None:
        self._answer = answer

    async def send_message(self, chat_id: str, text: str, *args: Any, **options: Any) -> AsyncIterator[SSEEvent]:
        """All of it at once."""
        del chat_id, text, args, options
        for event in self._answer:
            yield event


async def main(url: str, count: int) -> None:
    """Answer, until the process is ended."""
    answer = events(count)
    data = [json.dumps(event.to_chunk(), separators=(",", ":")).encode() for event in answer]
    connection: Connection = await connect(url, seconds=10)

    async def publish(message: Msg) -> None:
        for each in data:
            await connection.publish(message.reply, each)

    await connection.subscribe(BARE, cb=publish)  # pyright: ignore[reportUnknownMemberType] - nats-py's own
    broker = NatsBroker(url, logger=None)
    broker.include_router(kai_router(Fixed(answer)))
    async with broker:
        await broker.start()
        for _ in range(2):  # nats-py's first ping may overtake the subscriptions
            await broker.connection.flush()
            await connection.flush()
        print("ready", flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))
