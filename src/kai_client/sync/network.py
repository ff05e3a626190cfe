"""httpcore's blocking network, whose waits can be bounded and ended by another thread (see `waits`)."""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable
from typing import Any, Final

import httpcore
import httpx

from .waits import Stop, current_stops, left

__all__ = ["BlockingClient"]

_POOL: Final = "_pool"
_NETWORK: Final = "_network_backend"
_SocketOption = tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]


class BlockingClient(httpx.Client):
    """An `httpx.Client` of which `closing` ends every wait."""

    def __init__(self, context: ssl.SSLContext, limits: httpx.Limits, closing: Stop, *, trust_env: bool) -> None:
        self._closing = closing
        super().__init__(verify=context, limits=limits, trust_env=trust_env, follow_redirects=False)

    # The places where httpx makes its transports: see `AsyncioClient`. Should it rename these, no wait is ended early.

    def _init_transport(self, *options: Any, **named: Any) -> httpx.BaseTransport:
        return self._watched(super()._init_transport(*options, **named))

    def _init_proxy_transport(self, *options: Any, **named: Any) -> httpx.BaseTransport:
        return self._watched(super()._init_proxy_transport(*options, **named))

    def _watched(self, given: httpx.BaseTransport) -> httpx.BaseTransport:
        pool = getattr(given, _POOL, None)
        if hasattr(pool, _NETWORK):
            setattr(pool, _NETWORK, _Network(self._closing))
        return given


class _Network(httpcore.NetworkBackend):
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
        seconds = _bounded(timeout, httpcore.ConnectTimeout)
        made = self._given.connect_tcp(host, port, seconds, local_address, socket_options)
        return _Stream(made, self._closing)

    def connect_unix_socket(
        self, path: str, timeout: float | None = None, socket_options: Iterable[_SocketOption] | None = None
    ) -> httpcore.NetworkStream:
        seconds = _bounded(timeout, httpcore.ConnectTimeout)
        return _Stream(self._given.connect_unix_socket(path, seconds, socket_options), self._closing)

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds)


class _Stream(httpcore.NetworkStream):
    """A connection. Whoever closes it while another thread waits for it wakes that thread, which closes it then.

    A socket that is closed under a thread that waits does not wake it, and its number may be another connection's by then.
    """

    def __init__(self, given: httpcore.NetworkStream, closing: Stop) -> None:
        self._given = given
        self._closing = closing
        self._stops: tuple[Stop, ...] = ()
        self._lock = threading.RLock()  # as in `Stop`
        self._waits = self._closed = False

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        seconds = _bounded(timeout, httpcore.ReadTimeout)
        self._begin(httpcore.ReadError)
        try:
            return self._given.read(max_bytes, seconds)
        finally:
            self._end()

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        seconds = _bounded(timeout, httpcore.WriteTimeout)
        self._begin(httpcore.WriteError)
        try:
            self._given.write(buffer, seconds)
        finally:
            self._end()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        seconds = _bounded(timeout, httpcore.ConnectTimeout)
        self._begin(httpcore.ConnectError)
        try:
            return _Stream(self._given.start_tls(ssl_context, server_hostname, seconds), self._closing)
        finally:
            self._end()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._waits:
                self.interrupt()
                return
        self._given.close()

    def get_extra_info(self, info: str) -> Any:
        return self._given.get_extra_info(info)

    def interrupt(self) -> None:
        """Break the connection, so that who waits for it is told."""
        own = self._given.get_extra_info("socket")
        if isinstance(own, socket.socket):
            with contextlib.suppress(OSError):
                # Not a TLS socket's own way, which takes its state from under the thread that reads.
                socket.socket.shutdown(own, socket.SHUT_RDWR)

    def _begin(self, broken: type[httpcore.NetworkError]) -> None:
        with self._lock:
            if self._closed:
                raise broken("The connection was closed")
            self._waits = True
        self._stops = (self._closing, *current_stops())
        if not all(stop.enter(self) for stop in self._stops):
            self._end()
            raise broken("Nobody waits for it any more")

    def _end(self) -> None:
        for stop in self._stops:
            stop.leave(self)
        self._stops = ()
        with self._lock:
            self._waits = False
            closed = self._closed
        if closed:
            self._given.close()


def _bounded(seconds: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    rest = left(seconds)
    if rest is not None and rest <= 0:
        raise late("The time for all of it is over")
    return rest
