"""The local server in a thread with an event loop of its own, so that sync and async tests, and other loops, can use it."""

import asyncio
import threading
from collections.abc import Generator
from concurrent.futures import Future
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:  # FastAPI and uvicorn are loaded when a server is wanted, not when pytest loads its plugins
    from kai_client.server import KaiApp, RecordedRequest, ScriptedKai, WireStyle

__all__ = ["KaiServer", "running_server"]

_STOP_SECONDS = 10


class KaiServer:
    """A running local server; `running_server` and the fixture `kai_server` start and stop one."""

    def __init__(self, url: str, kai: "ScriptedKai", app: "KaiApp") -> None:
        self.url = url
        """The Storage API URL for discovery, and the base URL of Kai as well."""
        self.kai = kai
        """What answers: `kai.reply(...)` scripts it."""
        self.app = app

    @property
    def requests(self) -> "list[RecordedRequest]":
        """What clients sent so far, oldest first; tokens are left out."""
        return self.app.requests

    def next_stream(self, style: "WireStyle | None" = None, **changes: Any) -> None:
        """The next stream looks like this: `next_stream(drop_after=3)`; the fields are those of `WireStyle`."""
        self.app.next_stream(style, **changes)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"


@contextmanager
def running_server(
    kai: "ScriptedKai | None" = None, *, mode: Literal["agent", "assistant"] = "agent", **app_options: Any
) -> Generator[KaiServer]:
    """A local server on a free port, until the block is left; `app_options` are those of `kai_app`.

    Without a `kai` it is the built-in assistant. Needs the extra `server`.
    """
    from kai_client.server import ScriptedKai, kai_app  # noqa: PLC0415 - see above

    kai = kai or ScriptedKai()
    app = kai_app(kai, mode=mode, **app_options)
    thread = _ServerThread(app)
    thread.start()
    try:
        yield KaiServer(thread.url.result(), kai, app)
    finally:
        thread.stop()


class _ServerThread(threading.Thread):
    def __init__(self, app: "KaiApp") -> None:
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
