"""A backend that says what a test tells it to: chats as no local server would make them, and routes that are not there."""

import json
import os
import sys
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cli_runs import TOKEN, Kai

GOLDEN = Path(__file__).parent / "golden"

Answer = tuple[int, Any]
"""Status and JSON."""


@dataclass
class Canned:
    """The answers by `METHOD path`, or by that and the cursor in the query; anything else is a 404."""

    url: str
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    asked: list[str] = field(default_factory=list[str])
    """What was asked for, oldest first."""
    most_at_once: int = 0
    """How many questions about chats were open at the same time."""
    _held: dict[str, threading.Event] = field(default_factory=dict[str, threading.Event])
    _open: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def holding(self, route: str) -> Generator[None]:
        """This one is answered when the block has ended."""
        self._held[route] = threading.Event()
        try:
            yield
        finally:
            self._held[route].set()

    def answer(self, command: str, path: str) -> Answer:
        """The answer to a request, when it is time for it."""
        parts = urlsplit(path)
        cursors = {name: value for name, value in parse_qsl(parts.query) if name == "starting_after"}
        route = f"{command} {parts.path}" + (f"?{urlencode(cursors)}" if cursors else "")
        self.asked.append(f"{command} {path}")
        if route in self._held:
            self._held[route].wait()
        if "/api/chat/" in path:
            self._count()
        return self.answers.get(route, (404, {"code": "not_found:api", "message": "No such route."}))

    def _count(self) -> None:
        """Being open takes a moment, in which the others come."""
        with self._lock:
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        time.sleep(0.05)
        with self._lock:
            self._open -= 1

    def kai(self, kai: Kai, *options: str) -> Kai:
        """The command, at this backend."""
        return kai.having("--token", TOKEN, "--url", self.url, "--base-url", self.url, *options)

    def has_chat(self, chat: dict[str, Any]) -> None:
        """The chat is here, and the newest one."""
        self.answers[f"GET /api/chat/{chat['id']}"] = (200, chat)
        listed = {key: value for key, value in chat.items() if key != "messages"}
        _, page = self.answers.get("GET /api/history", (200, {"chats": [], "hasMore": False}))
        self.answers["GET /api/history"] = (200, {**page, "chats": [listed, *page["chats"]]})


@contextmanager
def canned_backend() -> Generator[Canned]:
    """It runs until the block ends."""
    server = _Server()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield server.canned
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.canned = Canned(f"http://127.0.0.1:{self.server_port}")

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who asked may have left; anything else is said."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        self.rfile.read(int(self.headers.get("content-length", 0)))
        assert isinstance(self.server, _Server)
        status, value = self.server.canned.answer(self.command, self.path)
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = do_DELETE = _answer  # noqa: N815 - the names of http.server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
        """Say nothing."""


@contextmanager
def time_zone(name: str) -> Generator[None]:
    """Local time is that of the zone: what is printed does not depend on where the tests run."""
    if sys.platform == "win32":
        pytest.skip("needs time zones by name")
    before = os.environ.get("TZ")
    os.environ["TZ"] = name
    time.tzset()
    try:
        yield
    finally:
        os.environ.pop("TZ")
        if before is not None:
            os.environ["TZ"] = before
        time.tzset()


def assert_golden(name: str, text: str) -> None:
    """The text is that of the file; `KAI_WRITE_GOLDEN=1` writes the file instead, to be read before it is kept."""
    path = GOLDEN / name
    if os.environ.get("KAI_WRITE_GOLDEN"):
        path.write_text(text, encoding="utf-8")
    assert text == path.read_text(encoding="utf-8")
