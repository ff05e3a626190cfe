"""The gateway, `kai_app(NatsKai)`, cannot be told from the service: the local server's own tests pass through it."""

import importlib
import sys
import uuid
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import local_api
import pytest
from nats_broker import Broker
from services import service

from kai_client.nats import NatsKai
from kai_client.server import KaiHost
from kai_client.transport import RetryPolicy

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))

SUITES = [
    "approvals_agent",
    "approvals_assistant",
    "endpoints",
    "gateway",
    "lives",
    "records",
    "sample",
    "script",
    "wire",
]

NOT_HERE = {
    "test_raw_chunk_is_sent_as_it_is": "the client in the gateway reads every chunk, and refuses what is none",
}
"""What holds for the server alone, and why."""

for suite in SUITES:
    module = importlib.import_module(f"test_server_{suite}")
    found = {name: each for name, each in vars(module).items() if name.startswith("test_") and name not in NOT_HERE}
    globals().update({f"{name}_of_{suite}": each for name, each in found.items()})

api = importlib.import_module("test_server_wire").api
"""The fixture of that suite."""


@pytest.fixture(autouse=True)
def _through_the_broker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every server of this module stands in front of a service on the broker."""

    @asynccontextmanager
    async def between(backend: local_api.Backend) -> AsyncGenerator[local_api.Backend]:
        # What may be tried again is for the gateway's own callers to decide.
        subject = f"svc.{uuid.uuid4()}.infer"  # some tests have several servers
        kai = NatsKai.connect(broker.url, subject=subject, retry=RetryPolicy(attempts=1))
        async with service(broker.url, backend, subject=subject), kai as gateway:
            yield gateway
            if isinstance(backend, KaiHost):
                await backend.aclose()

    monkeypatch.setattr(local_api, "between", between)
