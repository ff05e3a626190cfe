"""Pages with `useChat`, in a Node process of their own (`node/use_chat.mjs`): what is clicked, and what is drawn."""

from __future__ import annotations

import asyncio
import itertools
import json
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import node_server
from server_process import talking


class Drawn(NamedTuple):
    """What a page shows."""

    status: str
    error: str | None
    messages: list[dict[str, Any]]

    @property
    def parts(self) -> list[dict[str, Any]]:
        """The parts of the last message, where it is Kai's."""
        return self.messages[-1]["parts"] if self.messages and self.messages[-1]["role"] == "assistant" else []

    @property
    def text(self) -> str:
        """The text of the last message."""
        return "".join(part["text"] for part in self.parts if part["type"] == "text")

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tool calls of the last message."""
        return [part for part in self.parts if part["type"].startswith("tool-")]

    @property
    def states(self) -> list[str]:
        """The states of the tool calls."""
        return [part["state"] for part in self.tools]

    @property
    def questions(self) -> list[str]:
        """The ids of the questions that wait for a click."""
        return [part["approval"]["id"] for part in self.tools if part["state"] == "approval-requested"]


class Page:
    """One chat of one page."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self.drawn = Drawn("ready", None, [])
        self.history: list[Drawn] = []
        """All that was ever drawn."""

    def draw(self, drawn: Drawn) -> None:
        """Called by the thread that reads."""
        self._loop.call_soon_threadsafe(self._draw, drawn)

    def _draw(self, drawn: Drawn) -> None:
        self.drawn = drawn
        self.history.append(drawn)
        self._changed.set()

    async def until(self, holds: Callable[[Drawn], object]) -> Drawn:
        """What is drawn once this holds."""
        while not holds(self.drawn):
            self._changed.clear()
            await self._changed.wait()
        return self.drawn

    async def until_over(self) -> Drawn:
        """What is drawn when the answer has ended, well or not. Before it, something must have been sent."""
        return await self.until(lambda drawn: drawn.status == "ready" or (drawn.status == "error" and drawn.error))

    async def send(self, text: str) -> None:
        """The user sends a message; it has been drawn."""
        count = len(self.drawn.messages)
        self._tell(do="send", text=text)
        await self.until(lambda drawn: len(drawn.messages) > count)
        await self.until(lambda drawn: drawn.status != "ready" or drawn.messages[-1]["role"] == "assistant")

    async def ask(self, text: str) -> Drawn:
        """The user sends a message, and the answer is over, or asks."""
        await self.send(text)
        return await self.until_over()

    def answer(self, question: str, *, approved: bool, reason: str | None = None) -> None:
        """The user clicks at a question."""
        self._tell(do="answer", id=question, approved=approved, reason=reason)

    def stop(self) -> None:
        """The user clicks "stop"."""
        self._tell(do="stop")

    def regenerate(self) -> None:
        """The user clicks "again"."""
        self._tell(do="regenerate")


class Browser:
    """A process with any number of pages."""

    def __init__(self, commands: IO[bytes], drawings: IO[bytes]) -> None:
        self._commands = commands
        self._pages: dict[str, Page] = {}
        self._names = map(str, itertools.count())
        threading.Thread(target=self._read, args=(drawings,), daemon=True).start()

    def _read(self, drawings: IO[bytes]) -> None:
        for line in drawings:
            drawing = json.loads(line)
            page = self._pages[drawing.pop("name")]
            try:
                page.draw(Drawn(**drawing))
            except RuntimeError:  # the loop of its test has ended
                continue

    def page(self, major: str, api: str, chat_id: str | None = None) -> Page:
        """A new page whose chat talks to this API."""
        name = next(self._names)

        def tell(**command: Any) -> None:
            self._commands.write(json.dumps({"name": name, **command}).encode() + b"\n")
            self._commands.flush()

        self._pages[name] = page = Page(tell)
        tell(do="open", major=major, api=api, id=chat_id)
        return page


@contextmanager
def running() -> Generator[Browser]:
    """Yields a browser whose process ends with the block."""
    with node_server.command("use_chat.mjs") as line, talking(line) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Browser(process.stdin, process.stdout)
