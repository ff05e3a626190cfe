"""A server of raw sockets in threads: it says what it is told to, when it is told to."""

import contextlib
import socket
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

__all__ = ["CHUNKED", "HALF", "Server", "chunk", "served"]

CHUNKED = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
HALF = b'data: {"type":"text-delta","id":"0","delta":"Hal"}\n\n'


def chunk(data: bytes) -> bytes:
    """One piece of a chunked body."""
    return b"%x\r\n%s\r\n" % (len(data), data)


@dataclass
class Server:
    """What was connected to it."""

    url: str
    asked: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released for each request that has arrived."""
    left: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    """Released for each connection that has ended."""


@contextmanager
def served(answer: Callable[[socket.socket], None]) -> Generator[Server]:
    """A server that reads a request, lets `answer` write, and waits until the client has gone."""
    listener = socket.create_server(("127.0.0.1", 0), backlog=200)
    server = Server(f"http://127.0.0.1:{listener.getsockname()[1]}")
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            if not _read(connection):
                return
            server.asked.release()
            answer(connection)
            while connection.recv(4096):
                pass
        server.left.release()

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield server
    finally:
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(10)
        for thread in threads:
            thread.join(10)


def _read(connection: socket.socket) -> bool:
    """A request, head and body; False where none came."""
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return False
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    for line in head.lower().splitlines():
        if line.startswith(b"content-length:"):
            while len(body) < int(line[15:]):
                if not (more := connection.recv(65536)):
                    return False
                body += more
    return True
