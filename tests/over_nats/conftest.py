"""A broker for each test that asks for one."""

import sys
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from nats_broker import Broker, running_broker

sys.path.insert(0, str(Path(__file__).parent))


@pytest_asyncio.fixture
async def broker() -> AsyncGenerator[Broker]:
    """A real broker with JetStream, on a port of its own."""
    async with running_broker() as running:
        yield running
