"""The loopback server, a process of its own: precomputed bytes in several framings, over plain sockets.

`POST /FRAMING/COUNT[/MICROSECONDS]/...` is answered by `COUNT` events and `[DONE]`:

- `a`: one event per TCP segment, `MICROSECONDS` apart, timed by a busy wait;
- `paced`: the same at the rate of a model, timed by sleeping;
- `timed`: as `paced`, and each text is the monotonic clock in nanoseconds just before it was sent;
- `a2`: one event per HTTP chunk, as many in a TCP segment as fit;
- `b`: HTTP chunks of 32 KiB, cut anywhere;
- `big`: one event of `COUNT` bytes, in HTTP chunks of 4 KiB.

Run by `loopback.py`; it prints its port and ends with its standard input.
"""

import contextlib
import socket
import sys
import threading
import time
from collections.abc import Iterator
from functools import cache

from .events import DONE, chunks, frame, frames
from .growing import big_event, in_pieces
from .http_request import HEAD, LAST_CHUNK, body_length, chunk, path_parts

_BLOCK = 32 * 1024
_SMALL_BLOCK = 4 * 1024


@cache
def _chunks(count: int) -> tuple[bytes, ...]:
    """One event per HTTP chunk, and the end."""
    return (*map(chunk, (*frames(count), DONE)), LAST_CHUNK)


@cache
def _in_one_go(framing: str, count: int) -> bytes:
    if framing == "a2":
        return b"".join(_chunks(count))
    pieces = in_pieces(big_event(count), _SMALL_BLOCK) if framing == "big" else in_pieces(chunks(count), _BLOCK)
    return b"".join(map(chunk, pieces)) + LAST_CHUNK


def _timed(count: int) -> Iterator[bytes]:
    """Text deltas that say when they were made."""
    for _ in range(count):
        yield chunk(frame({"type": "text-delta", "id": "0", "delta": str(time.monotonic_ns())}))
    yield chunk(DONE)
    yield LAST_CHUNK


def _send_apart(connection: socket.socket, pieces: Iterator[bytes], gap: float, *, busy: bool) -> None:
    """Send the pieces `gap` seconds apart, never closer: who is late does not catch up."""
    due = time.perf_counter()
    while True:
        if busy:
            while time.perf_counter() < due:
                pass
        elif (wait := due - time.perf_counter()) > 0:
            time.sleep(wait)
        piece = next(pieces, None)
        if piece is None:
            return
        connection.sendall(piece)
        due = max(due, time.perf_counter()) + gap


def _answer(connection: socket.socket, framing: str, count: int, gap: float) -> None:
    if framing in {"a2", "b", "big"}:
        connection.sendall(HEAD + _in_one_go(framing, count))
        return
    pieces = _timed(count) if framing == "timed" else iter(_chunks(count))
    connection.sendall(HEAD)
    _send_apart(connection, pieces, gap, busy=framing == "a")


def _serve(connection: socket.socket) -> None:
    """Answer one request after the other, until the client closes."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    received = b""
    with connection, contextlib.suppress(OSError):  # a client may leave at any moment
        while True:
            while b"\r\n\r\n" not in received:
                if not (data := connection.recv(65536)):
                    return
                received += data
            head, _, received = received.partition(b"\r\n\r\n")
            length = body_length(head)
            while len(received) < length:
                received += connection.recv(65536)
            received = received[length:]
            framing, count, *rest = path_parts(head)
            gap = int(rest[0]) / 1e6 if rest and rest[0].isdigit() else 0.0
            _answer(connection, framing, int(count), gap)


def _accept(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=_serve, args=(connection,), daemon=True).start()


def main() -> None:
    """Serve until standard input ends."""
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        print(listener.getsockname()[1], flush=True)
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        sys.stdin.read()


if __name__ == "__main__":
    main()
