"""The gateway, `kai_app(NatsKai)`, cannot be told from the service: the local server's own tests pass through it."""

import importlib
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from nats_broker import Broker
from services import service

from kai_client.nats import NatsKai

sys.path.insert(0, str(Path(__file__).parents[1] / "server"))

import local_api

SUITES = ["approvals_agent", "approvals_assistant", "endpoints", "lives", "records", "sample", "script", "wire"]

for suite in SUITES:
    module = importlib.import_module(f"test_server_{suite}")
    globals().update({f"{name}_of_{suite}": each for name, each in vars(module).items() if name.startswith("test_")})


@pytest.fixture(autouse=True)
def _through_the_broker(broker: Broker, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every server of this module stands in front of a service on the broker."""

    @asynccontextmanager
    async def between(backend: local_api.Backend) -> AsyncGenerator[local_api.Backend]:
        async with service(broker.url, backend), NatsKai.connect(broker.url) as kai:
            yield kai

    monkeypatch.setattr(local_api, "between", between)
