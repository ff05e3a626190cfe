"""The broker that the other tests here stand on."""

# pyright: reportUnknownMemberType=false
# nats-py leaves the types of its options open.

import nats
from nats_broker import Broker


async def test_what_is_kept_outlives_a_crash(broker: Broker) -> None:
    """A message that JetStream has confirmed is there, on the same port, after the broker was killed and started again."""
    connection = await nats.connect(broker.url)
    await connection.jetstream().add_stream(name="jobs", subjects=["jobs.>"])
    await connection.jetstream().publish("jobs.one", b"1")
    await connection.close()
    await broker.restart(kill=True)
    connection = await nats.connect(broker.url)
    message = await connection.jetstream().get_last_msg("jobs", "jobs.one")
    await connection.close()
    assert message.data == b"1"
