"""Proxies of the environment, on real sockets."""

import asyncio
import base64
import contextlib
import socket
import struct
import sys
import traceback
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
import trustme
from wire_server import TOKEN, Request, client_of, usage, wire_server

from kai_client import KaiConfigError, KaiConnectionError, KaiError, RetryPolicy

EAGER = RetryPolicy(attempts=2, wait_initial=0.001, wait_max=0.001, wait_jitter=0)


class Tunnel:
    """A proxy that takes every tunnel to one port of this machine, and writes down who asked for it."""

    def __init__(self, to: int, status: str = "200 Connection established") -> None:
        self.to = to
        self.status = status
        self.heads: list[str] = []
        self._tasks: list[asyncio.Task[None]] = []

    @asynccontextmanager
    async def open(self) -> AsyncGenerator[str]:
        """Its URL, without the scheme."""
        server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        async with server:
            yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
            async with asyncio.timeout(20):
                await asyncio.gather(*self._tasks)

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._tasks.append(asyncio.create_task(self._serve(reader, writer)))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode())
            if self.status == "reset":
                raw: socket.socket = writer.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            elif self.status:
                writer.write(f"HTTP/1.1 {self.status}\r\n\r\n".encode())
            if self.status.startswith("200"):
                there, back = await asyncio.open_connection("127.0.0.1", self.to)
                await asyncio.gather(_copy(reader, back), _copy(there, writer))
        await _close(writer)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    await _close(writer)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_http_goes_through_the_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """As a request with the whole URL and the password for the proxy; the kept connection serves the next one."""
    async with wire_server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"http://us%40er:pa%3Ass@127.0.0.1:{proxy.port}")
        async with client_of("http://kai.test:81/base") as client:
            await client.get_usage()
            await client.chat("Hi")
    assert [request.line.split()[1] for request in proxy.requests] == [
        b"http://kai.test:81/base/api/usage",
        b"http://kai.test:81/base/api/chat",
    ]
    password = b"Basic " + base64.b64encode(b"us@er:pa:ss")
    for request in proxy.requests:
        assert [value for name, value in request.fields if name == b"proxy-authorization"] == [password]
        assert [value for name, value in request.fields if name == b"host"] == [b"kai.test:81"]
    assert proxy.connections == 1


@pytest.mark.usefixtures("trusted")
async def test_https_goes_through_a_tunnel(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """The proxy learns where to, and its own password; the request is for the server alone, whose name is verified."""
    async with wire_server(certificate=authority.issue_cert("kai.test")) as server:
        tunnel = Tunnel(server.port)
        async with tunnel.open() as address:
            monkeypatch.setenv("HTTPS_PROXY", f"http://user:pass@{address}")
            async with client_of("https://kai.test") as client:
                assert (await client.get_usage()).messages_used == 1
                await client.chat("Hi")
        assert server.connections == 1
        assert not any(name == b"proxy-authorization" for name, _ in server.requests[0].fields)
    (head,) = tunnel.heads
    assert head.startswith("CONNECT kai.test:443 HTTP/1.1\r\n")
    assert f"proxy-authorization: basic {base64.b64encode(b'user:pass').decode()}".lower() in head.lower()
    assert TOKEN not in head


@pytest.mark.usefixtures("trusted")
async def test_a_tunnel_to_somebody_else(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that answers in the server's place has not its certificate: nothing is sent."""
    async with (
        wire_server(certificate=authority.issue_cert("evil.test")) as server,
        Tunnel(server.port).open() as address,
    ):
        monkeypatch.setenv("HTTPS_PROXY", f"http://{address}")
        async with client_of("https://kai.test") as client:
            with pytest.raises(KaiConnectionError, match="CERTIFICATE_VERIFY_FAILED") as caught:
                await client.get_usage()
    assert caught.value.code == "connection:failed"
    assert server.requests == []


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "503 Busy", "", "reset"])
async def test_no_tunnel(status: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that refuses, or hangs up, is a lost connection that names the refusal, without the password."""
    tunnel = Tunnel(9, status)
    async with tunnel.open() as address:
        monkeypatch.setenv("HTTPS_PROXY", f"http://user:hush@{address}")
        async with client_of("https://kai.test", retry=EAGER) as client:
            with pytest.raises(KaiConnectionError) as caught:
                await client.submit_approval("c", "t", approved=True)
    assert caught.value.code == "connection:lost"
    assert status.removeprefix("reset") in str(caught.value)
    assert "hush" not in str(caught.value)
    assert len(tunnel.heads) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`connection:failed`: nothing was sent, so that even a POST is tried again."""
    monkeypatch.setenv("ALL_PROXY", "http://user:hush@127.0.0.1:9")
    tried: list[int] = []
    policy = RetryPolicy(attempts=2, wait_initial=0.001, wait_jitter=0, on_retry=lambda it: tried.append(it.attempt))
    async with client_of(f"{scheme}://kai.test", retry=policy) as client:
        with pytest.raises(KaiConnectionError) as caught:
            await client.submit_approval("c", "t", approved=True)
    assert caught.value.code == "connection:failed"
    assert "hush" not in str(caught.value)
    assert tried == [1]


@pytest.mark.parametrize(
    ("excepted", "used"),
    [
        ("kai.invalid", False),
        ("invalid", False),
        (".invalid", False),
        ("*", False),
        ("http://kai.invalid", False),
        ("other.test, kai.invalid", False),
        (".kai.invalid", True),
        ("ai.invalid", True),
        ("https://kai.invalid", True),
        ("kai.invalid.test", True),
    ],
)
async def test_exceptions(excepted: str, used: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """`NO_PROXY` means what it means to httpx."""
    async with wire_server() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", excepted)
        async with client_of("http://kai.invalid") as client:
            with contextlib.nullcontext() if used else pytest.raises(KaiConnectionError):
                await client.get_usage()
    assert bool(proxy.requests) == used


@pytest.mark.usefixtures("trusted")
async def test_a_proxy_with_tls(authority: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is whatever httpx makes of it."""

    async def answer(request: Request) -> None:
        await usage(request)

    async with wire_server(answer, authority.issue_cert("localhost")) as proxy:
        monkeypatch.setenv("HTTP_PROXY", f"https://localhost:{proxy.port}")
        async with client_of("http://kai.test") as client:
            with contextlib.suppress(KaiError):
                await client.get_usage()
    assert proxy.connections == 1


@pytest.mark.parametrize("proxy", ["socks5://user:hush@127.0.0.1:9", "gopher://user:hush@127.0.0.1:9", "http://[:hush"])
async def test_a_proxy_that_cannot_be_used(proxy: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """SOCKS without its package, an unknown scheme, no URL: a `KaiConfigError` without the password."""
    monkeypatch.setenv("ALL_PROXY", proxy)
    monkeypatch.setitem(sys.modules, "socksio", None)
    client = client_of("http://kai.test")
    with pytest.raises(KaiConfigError) as caught:
        await client.get_usage()
    await client.close()
    assert caught.value.code == "config:proxy"
    assert "hush" not in "".join(traceback.format_exception(caught.value))
