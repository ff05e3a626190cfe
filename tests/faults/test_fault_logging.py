"""`KAI_LOG`: what goes on, for those who ask, and never the token."""

import asyncio
import json
import logging
import subprocess
import sys

import pytest
from fault_server import TOKEN, Exchange, fault_server

from kai_client import KaiClient

SCRIPT = """
import asyncio, sys
from kai_client import KaiClient, KaiError, RetryPolicy

async def main():
    async with KaiClient(sys.argv[1], "https://x.test", sys.argv[2], retry=RetryPolicy(attempts=1)) as client:
        for call in (client.get_usage(), client.chat("a private question")):
            try:
                await call
            except KaiError as error:
                print(error)

asyncio.run(main())
"""


async def _logged(level: str | None, monkeypatch: pytest.MonkeyPatch) -> str:
    async def serve(x: Exchange) -> None:
        await x.reply(f"bad {TOKEN}".encode(), status="500 E", extra=f"x-echo: {TOKEN}\r\nset-cookie: a={TOKEN}\r\n")

    monkeypatch.delenv("KAI_LOG", raising=False)
    if level is not None:
        monkeypatch.setenv("KAI_LOG", level)

    async with fault_server(serve) as server:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            SCRIPT,
            TOKEN,
            server.url,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert TOKEN.encode() not in out + err
    assert b"private question" not in out + err
    return err.decode()


async def test_nothing_is_logged_unless_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Off by default, and for values that mean nothing."""
    assert await _logged(None, monkeypatch) == ""
    assert await _logged("loud", monkeypatch) == ""


@pytest.mark.parametrize("level", ["info", "DEBUG"])
async def test_requests_and_responses_are_logged(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """`info` has a line per response, `debug` the headers, too; the token and what was said are in neither."""
    log = await _logged(level, monkeypatch)
    assert "GET http://127.0.0.1" in log
    assert "HTTP 500" in log
    assert ("request POST" in log) == (level == "DEBUG")
    assert ("'x-storageapi-token': '***'" in log) == (level == "DEBUG")


async def test_debug_logs_events_without_what_they_say(caplog: pytest.LogCaptureFixture) -> None:
    """One line per event with its type; a type that is the token is no exception."""

    async def serve(x: Exchange) -> None:
        chunks = [{"type": "text-delta", "id": "0", "delta": "a private answer"}, {"type": TOKEN}, {"type": "finish"}]
        await x.reply("".join(f"data: {json.dumps(each)}\n\n" for each in chunks).encode())

    with caplog.at_level(logging.DEBUG, logger="kai_client"):
        async with (
            fault_server(serve, content_type="text/event-stream") as server,
            KaiClient(TOKEN, "https://x.test", server.url) as client,
        ):
            await client.chat("Hi")
    lines = [record.getMessage() for record in caplog.records if record.name == "kai_client"]
    assert [line for line in lines if line.startswith("event ")] == ["event text", "event ***", "event finish"]
    assert "private" not in "".join(lines)
    assert TOKEN not in "".join(lines)
