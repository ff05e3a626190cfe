"""TLS: whom a client trusts, and that streams end at once on it, too."""

import asyncio
import socket
import ssl
import threading

import pytest
import trustme
from wire_server import CHAT, EVENT, STREAM, WHOLE, Request, chunk, client_of, wire_server

from kai_client import KaiConnectionError, KaiStreamError


@pytest.mark.usefixtures("trusted")
async def test_a_trusted_server(authority: trustme.CA) -> None:
    """Of the name in the URL, signed by an authority of `SSL_CERT_FILE`: requests and streams share a connection."""
    async with (
        wire_server(certificate=authority.issue_cert("localhost")) as server,
        client_of(f"https://localhost:{server.port}") as client,
    ):
        assert (await client.get_usage()).messages_used == 1
        assert await client.send_message(CHAT, "Hi").get_final_text() == "Hi"
    assert server.connections == 1


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("wrong", ["authority", "name"])
async def test_an_untrusted_server(wrong: str, authority: trustme.CA) -> None:
    """A certificate of somebody else, or signed by somebody else: `connection:failed`, which says so; nothing was sent."""
    signer = trustme.CA() if wrong == "authority" else authority
    certificate = signer.issue_cert("localhost" if wrong == "authority" else "elsewhere.test")
    async with (
        wire_server(certificate=certificate) as server,
        client_of(f"https://localhost:{server.port}") as client,
    ):
        with pytest.raises(KaiConnectionError) as caught:
            await client.get_usage()
    assert caught.value.code == "connection:failed"
    assert "CERTIFICATE_VERIFY_FAILED" in (caught.value.cause or "")
    assert server.requests == []


@pytest.mark.usefixtures("trusted")
async def test_leaving_a_stream_does_not_wait_for_the_server(authority: trustme.CA) -> None:
    """Its connection is closed though the server says no farewell."""

    async def answer(request: Request) -> None:
        await request.send(STREAM + chunk(EVENT))
        request.writer.transport.pause_reading()  # type: ignore[attr-defined]  # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]
        left.append(request.writer)

    left: list[asyncio.StreamWriter] = []
    async with wire_server(answer, authority.issue_cert("localhost")) as server:
        async with (
            asyncio.timeout(20),
            client_of(f"https://localhost:{server.port}") as client,
            client.send_message(CHAT, "Hi") as stream,
        ):
            await anext(stream)
        left[0].transport.abort()


@pytest.mark.usefixtures("trusted")
async def test_a_stream_that_breaks_off(authority: trustme.CA) -> None:
    """As without TLS."""

    async def answer(request: Request) -> None:
        await request.send(STREAM + chunk(EVENT))
        request.writer.close()

    async with (
        wire_server(answer, authority.issue_cert("localhost")) as server,
        client_of(f"https://localhost:{server.port}") as client,
    ):
        stream = client.send_message(CHAT, "Hi")
        await anext(stream)
        with pytest.raises(KaiStreamError) as caught:
            await stream.get_final_text()
    assert caught.value.code == "stream:broken"


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("events", [2_000, 30_000], ids=["at once", "more than is read ahead"])
async def test_an_answer_whose_end_comes_with_it(events: int, authority: trustme.CA) -> None:
    """All of it is read, though the server has closed before the event loop looks."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)  # pyright: ignore[reportUnknownMemberType]
    loop = asyncio.get_running_loop()
    looking_away, sent = threading.Event(), threading.Event()

    def look_away() -> None:
        looking_away.set()
        sent.wait(1)  # longer, if the answer does not fit in the system's buffers

    def answer() -> None:
        connection = listening.accept()[0]
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 * 1024 * 1024)
        with context.wrap_socket(connection, server_side=True) as encrypted:
            data = b""
            while not data.endswith(b"}"):
                data += encrypted.recv(65536)
            loop.call_soon_threadsafe(look_away)
            looking_away.wait(20)
            head = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
            encrypted.sendall(head + EVENT * events + WHOLE)
            encrypted.shutdown(socket.SHUT_WR)
            sent.set()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        answering = loop.run_in_executor(None, answer)
        async with client_of(f"https://localhost:{listening.getsockname()[1]}") as client:
            count = 0
            async for _ in client.send_message(CHAT, "Hi"):
                count += 1
                if count % 100 == 0:
                    await asyncio.sleep(0.001)
        await answering
    assert count > events
