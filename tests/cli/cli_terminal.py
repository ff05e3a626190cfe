"""`kai` at a pseudo-terminal, and a server that waits until a test lets it go on."""

import threading
from collections.abc import Generator
from typing import Any

from cli_runs import Kai
from pseudo_terminal import PseudoTerminal

from kai_client.server import pause
from kai_client.server.script import Item
from kai_client.testing import KaiServer


def at_terminal(kai: Kai, *args: str, **options: Any) -> PseudoTerminal:
    """The command at a terminal of its own; `options` are those of `PseudoTerminal`."""
    return PseudoTerminal(kai.command(*args), folder=kai.folder, env=kai.environment, **options)


class Gate:
    """A turn that is a generator waits here: `yield from gate.closed()`."""

    def __init__(self) -> None:
        self._opened = threading.Event()
        self.reached = threading.Event()
        """The server has come here."""

    def open(self) -> None:
        """Let the server go on."""
        self._opened.set()

    def closed(self) -> Generator[Item]:
        """What the server does while the gate is closed: nothing, in small pieces, so that it can be stopped."""
        self.reached.set()
        while not self._opened.is_set():
            yield pause(0.005)


def asked(server: KaiServer) -> list[str]:
    """The messages that reached the server, oldest first."""
    parts = [part for body in _bodies(server, "/api/chat") for part in body["message"]["parts"]]
    return [part["text"] for part in parts if part.get("type") == "text"]


def chats(server: KaiServer) -> list[str]:
    """The chat of each message that reached the server."""
    return [body["id"] for body in _bodies(server, "/api/chat")]


def decisions(server: KaiServer) -> list[dict[str, Any]]:
    """The decisions about tool calls that reached kai-agent."""
    return _bodies(server, "/approval")


def _bodies(server: KaiServer, path: str) -> list[dict[str, Any]]:
    bodies: list[Any] = [request.body for request in server.requests if request.path.endswith(path)]
    return [body for body in bodies if isinstance(body, dict)]
