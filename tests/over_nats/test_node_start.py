"""Worker nodes and desks that start at the same moment, at a broker that has nothing yet."""

import asyncio

from nats_broker import Broker
from node_runs import desk_at

from kai_client.nats.node.jetstream import JetStream
from kai_client.nats.node.subjects import Station


async def test_all_that_start_at_once_find_one_stream(broker: Broker) -> None:
    """Whoever makes a stream, and however it differs from what others would have made: all have the one."""
    async with desk_at(broker) as one, desk_at(broker) as other:
        makers = [JetStream(desk.client) for desk in (one, other)]

        async def start(number: int) -> str:
            station = Station(f"kai.s{number // 10}")
            await asyncio.sleep(0.0005 * (number % 7))
            return await makers[number % 2].stream(station, queue=False, window=60, keep=3600 + number)

        names = await asyncio.gather(*map(start, range(200)))
    assert names == [f"kai_s{number // 10}" for number in range(200)]
