"""An ASGI app in a thread with an event loop of its own, so that sync and async tests, and other loops, can use it."""

import asyncio
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:  # FastAPI and uvicorn are loaded when a server is wanted, not when pytest loads its plugins
    from starlette.types import ASGIApp

__all__ = ["ServerThread"]

_STOP_SECONDS: Final = 10


class ServerThread(threading.Thread):
    """Serves from `start` to `stop`; `url` has the base URL once it listens."""

    def __init__(self, app: "ASGIApp") -> None:
        super().__init__(name="kai-server", daemon=True)
        self.url: Future[str] = Future()
        self._app = app
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop_event: asyncio.Event | None = None

    def run(self) -> None:
        """Serve until told to stop; what keeps the server from starting is raised by `url`."""
        try:
            asyncio.run(self._serve())
        except Exception as error:
            if self.url.done():
                raise
            self.url.set_exception(error)

    async def _serve(self) -> None:
        from kai_client.server import serve  # noqa: PLC0415 - see above

        self._loop, self._stop_event = asyncio.get_running_loop(), asyncio.Event()
        async with serve(self._app) as url:
            self.url.set_result(url)
            await self._stop_event.wait()

    def stop(self) -> None:
        """Stop serving and wait for the thread. Raises `RuntimeError` when it does not end."""
        if self._loop is not None and self._stop_event is not None and self.is_alive():
            self._loop.call_soon_threadsafe(self._stop_event.set)
        self.join(_STOP_SECONDS)
        if self.is_alive():
            raise RuntimeError("The local server did not stop.")
