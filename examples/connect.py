"""Which Kai the examples talk to: yours, if the environment says so, else the local server.

With `STORAGE_API_TOKEN` and `STORAGE_API_URL` set it is the Kai of that stack. Without them a local server plays an assistant
over a small sample project, and the client finds it through discovery, HTTP and SSE like any other.
"""

import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from kai_client import KaiClient


@asynccontextmanager
async def connect() -> AsyncGenerator[KaiClient]:
    """A client, closed at the end of the block."""
    if "STORAGE_API_TOKEN" in os.environ:
        async with KaiClient.from_env() as client:
            yield client
        return

    from kai_client.server import ScriptedKai, kai_app, serve  # noqa: PLC0415 - the extra "server", only needed here

    print("(no STORAGE_API_TOKEN: talking to a local server)", file=sys.stderr)
    async with serve(kai_app(ScriptedKai())) as url, KaiClient.from_storage_api("local", url) as client:
        yield client
