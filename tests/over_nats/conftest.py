"""A broker for each test that asks for one."""

from collections.abc import AsyncGenerator

import pytest_asyncio
from nats_broker import Broker, running_broker


@pytest_asyncio.fixture
async def broker() -> AsyncGenerator[Broker]:
    """A real broker with JetStream, on a port of its own."""
    async with running_broker() as running:
        yield running
