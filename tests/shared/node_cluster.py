"""Three real `nats-server`s that are one JetStream cluster, any of which a test may kill."""

# pyright: reportUnknownMemberType=false
# nats-py leaves the types of its options open.

import asyncio
import shutil
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import nats
from nats.errors import Error

__all__ = ["Cluster", "running_cluster"]

_NODES: Final = 3


class Cluster:
    """The servers; `url` has the addresses of all, with commas between."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clients, self._routes = _free_ports(), _free_ports()
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def url(self) -> str:
        """Where clients connect."""
        return ",".join(f"nats://127.0.0.1:{port}" for port in self._clients)

    def start(self) -> None:
        """Run all three."""
        found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or "nats-server"
        routes = ", ".join(f"nats://127.0.0.1:{port}" for port in self._routes)
        for number, (client, route) in enumerate(zip(self._clients, self._routes, strict=True)):
            config = self._folder / f"n{number}.conf"
            config.write_text(
                f'server_name: n{number}\nlisten: "127.0.0.1:{client}"\nlog_file: "{self._folder}/n{number}.log"\n'
                f'jetstream {{ store_dir: "{self._folder}/n{number}" }}\n'
                f'cluster {{ name: kai, listen: "127.0.0.1:{route}", routes: [{routes}] }}\n'
            )
            self._processes.append(subprocess.Popen([found, "-c", str(config)]))

    def kill(self, name: str) -> None:
        """Kill the server of this name: n0, n1 or n2."""
        process = self._processes[int(name.removeprefix("n"))]
        process.kill()
        process.wait()

    def stop(self) -> None:
        """End all that still run."""
        for process in self._processes:
            process.kill()
            process.wait()

    async def until_ready(self) -> None:
        """Come back when they have agreed on who leads, so that streams can be made."""
        async with asyncio.timeout(60):
            while not await self._is_ready():  # noqa: ASYNC110 - they tell nobody
                await asyncio.sleep(0.1)

    async def _is_ready(self) -> bool:
        with suppress(Error, OSError):
            client = await nats.connect(self.url.split(","), error_cb=_quiet, connect_timeout=1)
            try:
                jetstream = client.jetstream(timeout=1)
                await jetstream.add_stream(name="probe", subjects=["probe"], num_replicas=_NODES)
                return await jetstream.delete_stream("probe")
            finally:
                await client.close()
        return False


@asynccontextmanager
async def running_cluster() -> AsyncGenerator[Cluster]:
    """A cluster for the block, whose storage goes with it."""
    with TemporaryDirectory() as folder:
        cluster = Cluster(Path(folder))
        try:
            cluster.start()
            await cluster.until_ready()
            yield cluster
        finally:
            cluster.stop()


async def _quiet(error: Exception) -> None:
    del error


def _free_ports() -> list[int]:
    """Ports that were free a moment ago: each server has to know the others' before they run."""
    probes = [socket.create_server(("127.0.0.1", 0)) for _ in range(_NODES)]
    ports = [probe.getsockname()[1] for probe in probes]
    for probe in probes:
        probe.close()
    return ports
