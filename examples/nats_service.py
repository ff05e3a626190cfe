"""Kai as a service on a NATS broker: as many of these as you like share the requests.

It answers with your Kai, if `STORAGE_API_TOKEN` and `STORAGE_API_URL` are set, else with the local server's scripted assistant. The
broker is at `NATS_URL`, or on the local port 4222. Ctrl-C ends it.

Run: uv run python examples/nats_service.py
"""

import asyncio
import os
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from faststream import FastStream
from faststream.nats import NatsBroker

from kai_client import KaiClient
from kai_client.nats import kai_router
from kai_client.server import KaiHost, KaiService, ScriptedKai

SUBJECT = "svc.ai.llm.v1.infer"


@asynccontextmanager
async def backend() -> AsyncGenerator[KaiService | KaiHost]:
    """What answers, closed at the end of the block."""
    if "STORAGE_API_TOKEN" in os.environ:
        async with KaiClient.from_env() as client:
            yield client
    else:
        print("(no STORAGE_API_TOKEN: a scripted assistant answers)")
        host = ScriptedKai()
        yield host
        await host.aclose()


async def main() -> None:
    async with backend() as kai:
        broker = NatsBroker(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"), logger=None)
        broker.include_router(kai_router(kai, subject=SUBJECT, queue="q.ai.llm.infer", max_workers=16))
        app = FastStream(broker, logger=None)

        @app.after_startup
        async def ready() -> None:
            for _ in range(
                2
            ):  # nats-py's first ping may overtake the subscriptions; now the broker knows of the service
                await broker.connection.flush()
            print(f"Kai answers on {SUBJECT}", flush=True)

        await app.run()


if __name__ == "__main__":
    asyncio.run(main())
