"""Running an ASGI app inside a program that does other things too."""

import asyncio
import logging
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from itertools import chain
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from .staged_stream import CutConnectionError

__all__ = ["serve"]

_ROUNDS: Final = 4
"""Of the event loop, in which who was accepted becomes a connection, and its request a task."""

_MOMENT: Final = 0.001
_MOMENTS: Final = 50
"""How long connections and answers that are told to end usually take."""


class _Server(uvicorn.Server):
    """A uvicorn server that leaves the program's signal handlers alone and stops when told to, without polling."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()
        self._told = set[object]()
        self._seen = set[asyncio.Task[None]]()

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        """Nothing: Ctrl-C belongs to the program."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and say so. When the app does not start, some releases of uvicorn would end the whole program."""
        with suppress(SystemExit):
            await super().startup(sockets)
        if not self.started:
            raise RuntimeError("The app did not start; its log says why.")
        self.ready.set()

    async def main_loop(self) -> None:
        """Wait."""
        await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop at once where nobody is there any more. Uvicorn's own way, for the rest, takes a tenth of a second at least."""
        self._tell_all()
        await self._stop_accepting()
        for moment in range(_ROUNDS + _MOMENTS):
            self._tell_all()
            if moment >= _ROUNDS and not (self.server_state.connections or self.server_state.tasks):
                await self.lifespan.shutdown()
                return
            await asyncio.sleep(0 if moment < _ROUNDS else _MOMENT)
        await super().shutdown(sockets)

    def _tell_all(self) -> None:
        """End connections, and streams, which nobody would end and shutting down waits for; each is told once."""
        connections, tasks = self.server_state.connections, self.server_state.tasks
        begun = tasks & self._seen  # what is cancelled before its first step never answers
        for connection in connections - self._told:
            connection.shutdown()
        for task in begun - self._told:
            task.cancel()
        self._told |= connections | begun
        self._seen = set(tasks)

    async def _stop_accepting(self) -> None:
        """Whoever was accepted just now becomes a connection in the next rounds of the event loop, to be told like the others.

        asyncio loses the socket where its server is closed before the first of them (3.11, `_SelectorSocketTransport`).
        """
        loop = asyncio.get_running_loop()
        with suppress(NotImplementedError):  # Windows
            for listener in chain.from_iterable(server.sockets for server in self.servers):
                loop.remove_reader(listener)
        try:
            await asyncio.sleep(0)
        finally:
            for server in self.servers:
                server.close()


class _OnPurpose(logging.Filter):
    """Drops what uvicorn logs about connections that were cut, and streams that were ended, on purpose."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Keep everything else."""
        error = record.exc_info[1] if record.exc_info else None
        return not isinstance(error, CutConnectionError | asyncio.CancelledError)


@asynccontextmanager
async def serve(app: ASGIApp, host: str = "127.0.0.1", port: int = 0) -> AsyncGenerator[str]:
    """Runs `app` in the current event loop and yields its base URL; port 0 takes a free one.

    Raises `OSError` when the address cannot be had, `RuntimeError` when the app does not start. No signal handler is installed and nothing is logged but faults.
    Leaving the block ends open streams, shuts the app down and frees the port.
    """
    # Each chunk of a stream is a packet of its own: without this the kernel holds every second one back for 40 ms.
    listener = socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        lifespan="on",
        timeout_graceful_shutdown=5,
        # Longer than people think between two messages: a connection that is closed under the client costs a retry.
        timeout_keep_alive=75,
    )
    server = _Server(config)
    log, on_purpose = logging.getLogger("uvicorn.error"), _OnPurpose()
    log.addFilter(on_purpose)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await _until_ready(server, running)
        bound_host, bound_port = listener.getsockname()[:2]
        yield f"http://[{bound_host}]:{bound_port}" if ":" in bound_host else f"http://{bound_host}:{bound_port}"
    finally:
        server.stop.set()
        await asyncio.wait([running])
        log.removeFilter(on_purpose)
        listener.close()
    running.result()  # a server that broke down must not look as if it had been stopped


async def _until_ready(server: _Server, running: asyncio.Task[None]) -> None:
    """Raises what the start-up raised: `running` ends first then."""
    ready = asyncio.create_task(server.ready.wait())
    await asyncio.wait([ready, running], return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        ready.cancel()
        running.result()
