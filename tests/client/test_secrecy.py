"""The token in no log, of whoever writes it, and at no proxy that has no business with it."""

import logging

import pytest
from support import raw_server, replying

from kai_client import KaiClient, KaiConnectionError, KaiError, RetryPolicy

TOKEN = "12-345-SecretSecret"


async def test_the_libraries_below_do_not_log_an_echoed_token(caplog: pytest.LogCaptureFixture) -> None:
    """Httpx and httpcore write heads as they come: a server that echoes the token there does not get it into a log."""
    head = f"HTTP/1.1 403 {TOKEN}\r\nx-echo: {TOKEN}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"
    async with raw_server(replying(head.encode())) as server:
        with caplog.at_level(logging.DEBUG):
            async with KaiClient(TOKEN, "https://x.test", server.url) as client:
                with pytest.raises(KaiError):
                    await client.get_usage()
    assert {"httpx", "httpcore.http11"} <= {record.name for record in caplog.records}
    assert TOKEN not in caplog.text


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "kai.localhost", "localhost."])
async def test_this_machines_own_ports_are_no_business_of_a_proxy(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What goes to loopback goes there directly, whatever the environment says of proxies."""
    async with raw_server(replying(b"")) as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        monkeypatch.delenv("NO_PROXY", raising=False)
        never = RetryPolicy(attempts=1)
        async with KaiClient(TOKEN, "https://x.test", f"http://{host}:9", retry=never) as client:
            with pytest.raises(KaiConnectionError):
                await client.get_usage()
        assert proxy.connections == 0
