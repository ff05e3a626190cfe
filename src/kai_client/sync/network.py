"""httpcore's blocking network, whose waits can be bounded and ended by another thread (see `waits`)."""

import contextlib
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, Final, TypeVar

import httpcore

from kai_client.transport.heads import HEAD_END, MOST_HEAD_BYTES, NO_FINAL_HEAD, REQUEST, named_length

from .waits import CURRENT, Stop, left

__all__ = ["Network", "NetworkStream"]

_READ: Final = 65536

_WRITTEN: Final = 65536
"""How many bytes are written at once: each piece may wait as long as the whole."""

ResultT = TypeVar("ResultT")

_SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class Network(httpcore.NetworkBackend):
    """Connections of which `closing` ends every wait."""

    def __init__(self, closing: Stop) -> None:
        self._given = httpcore.SyncBackend()
        self._closing = closing

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[_SocketOption] | None = None,
    ) -> httpcore.NetworkStream:
        """One after the other, the addresses of a name: all of them together in the time for a connection."""
        ends = None if timeout is None else time.monotonic() + timeout
        failed: httpcore.ConnectError | None = None
        for address in _addresses(host, port):
            rest = None if ends is None else max(0.0, ends - time.monotonic())
            seconds = _bounded(rest, httpcore.ConnectTimeout)
            try:
                return self._watched(self._given.connect_tcp(address, port, seconds, local_address, socket_options))
            except httpcore.ConnectError as error:
                failed = error
        raise failed or httpcore.ConnectError(f"{host!r} has no address")

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[_SocketOption] | None = None
    ) -> httpcore.NetworkStream:
        seconds = _bounded(timeout, httpcore.ConnectTimeout)
        return self._watched(self._given.connect_unix_socket(path, seconds, socket_options))

    def _watched(self, made: httpcore.NetworkStream) -> "NetworkStream":
        try:
            return NetworkStream(made, self._closing)
        except BaseException:
            made.close()
            raise

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


def _addresses(host: str, port: int) -> list[str]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        raise httpcore.ConnectError(str(error)) from error
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class NetworkStream(httpcore.NetworkStream):
    """A connection. Whoever closes it while another thread waits for it wakes that thread, which closes it then.

    A socket that is closed under a thread that waits does not wake it, and its number may be another connection's by then.
    It belongs to the process that made it: one that was forked from it has the socket, too, and must not break it.

    The head of an answer is read apart from its body: what calls `take` from there on misses nothing.
    """

    def __init__(self, given: httpcore.NetworkStream, closing: Stop) -> None:
        self._given = given
        self._closing = closing
        self._lock = threading.RLock()  # as in `Stop`
        self._waiter: int | None = None
        self._closed = False
        self._process = os.getpid()
        self.at_body: bool = False
        """Whether the head of the last answer was read, and nothing of its body."""
        self._in_head = False
        self._kept = b""
        """What has arrived and was not handed out."""
        self._left = 0
        """Of a body whose length the head names. What is behind it is not for the parser, which would keep it for the next answer."""
        self._unclean = False
        own = given.get_extra_info("socket")
        self._socket: socket.socket | None = own if isinstance(own, socket.socket) else None

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        if self._in_head:
            return self._head(timeout)
        self.at_body = False
        most = min(max_bytes, self._left or max_bytes)
        if self._kept:
            data, self._kept = self._kept[:most], self._kept[most:]
        else:
            data = self._received(most, timeout)
        self._left -= min(self._left, len(data))
        return data

    def take(self, seconds: float | None) -> bytes:
        """What `read` returns, for what reads the body past the HTTP parser."""
        if self._kept:
            data, self._kept = self._kept, b""
            return data
        return self._received(_READ, seconds)

    def give_back(self, data: bytes, *, unclean: bool) -> None:
        """Have `data` read again. `unclean`: it may be more than one answer, and the connection must serve no other request."""
        self._kept, self._unclean = data, unclean

    def _head(self, seconds: float | None) -> bytes:
        head, self._kept = self._kept, b""
        while not (end := HEAD_END.search(head)):
            piece = self._received(_READ, seconds) if len(head) <= MOST_HEAD_BYTES else b""
            if not piece:
                self._in_head = False
                return head
            head += piece
        self._kept = head[end.end() :]
        self._in_head = NO_FINAL_HEAD.match(head) is not None
        self.at_body = not self._in_head
        self._left = named_length(head)
        return head[: end.end()]

    def _received(self, max_bytes: int, timeout: float | None) -> bytes:
        seconds = _bounded(timeout, httpcore.ReadTimeout)
        stops = (self._closing, *CURRENT.stops)
        data = self._wait(stops, httpcore.ReadError, partial(self._given.read, max_bytes, seconds))
        if not data and (self._closed or any(stop.is_set for stop in stops)):
            raise httpcore.ReadError("The connection was closed")  # the server has not ended it
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        if REQUEST.match(buffer):
            self._in_head = True
        self.at_body = False
        stops = (self._closing, *CURRENT.stops)
        for start in range(0, len(buffer), _WRITTEN):
            seconds = _bounded(timeout, httpcore.WriteTimeout)
            part = buffer[start : start + _WRITTEN]
            self._wait(stops, httpcore.WriteError, partial(self._given.write, part, seconds))

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _bounded(timeout, httpcore.ConnectTimeout)
        before = self._socket
        # The handshake takes the socket away from under us: of another that is the same, it can be interrupted.
        self._socket = None if before is None or isinstance(before, ssl.SSLSocket) else before.dup()
        try:
            handshake = partial(self._given.start_tls, ssl_context, server_hostname, seconds)
            made = self._wait((self._closing, *CURRENT.stops), httpcore.ConnectError, handshake)
        finally:
            if self._socket is not None:
                self._socket.close()
        return NetworkStream(made, self._closing)

    def close(self) -> None:
        # In the thread that waits it is a signal handler that closes, or the wait was left in the middle.
        own = True
        try:
            with self._lock:
                self._closed = True
                own = self._waiter in {None, threading.get_ident()}
            self.interrupt()  # a process that was forked may have the socket, too: the server is told all the same
        finally:
            if own:
                self._given.close()

    def get_extra_info(self, info: str) -> Any:
        if info == "is_readable" and (self._kept or self._unclean):
            return True
        return self._given.get_extra_info(info)

    def interrupt(self) -> None:
        """Break the connection, so that who waits for it is told."""
        if self._socket is not None and self._process == os.getpid():
            with contextlib.suppress(OSError):
                # Not a TLS socket's own way, which takes its state from under the thread that reads.
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)

    def _wait(
        self, stops: tuple[Stop, ...], broken: type[httpcore.NetworkError], work: Callable[[], ResultT]
    ) -> ResultT:
        if self._process != os.getpid():
            raise broken("The connection belongs to another process")
        try:
            with self._lock:
                if self._closed:
                    raise broken("The connection was closed")
                self._waiter = threading.get_ident()
            for stop in stops:
                if not stop.enter(self):
                    raise broken("Nobody waits for it any more")
            return work()
        finally:
            self._waiter = None
            for stop in stops:
                stop.leave(self)
            if self._closed:
                self._given.close()


def _bounded(seconds: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    rest = left(seconds)
    if rest is not None and rest <= 0:
        raise late("The time for all of it is over")
    return rest
