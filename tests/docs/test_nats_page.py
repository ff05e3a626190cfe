"""The service and the client of docs/nats.md, each a process, with a real broker between them."""

import asyncio
import sys
from pathlib import Path

from nats_broker import running_broker
from page_blocks import DOCS, blocks, clean_environment, run

from kai_client.testing import KaiServer


async def test_the_service_and_the_client_of_nats_md(kai_server: KaiServer, tmp_path: Path) -> None:
    """The client streams an answer, asks for one in a single message, and gets the same reply to the same key."""
    service, client = (block.code for block in blocks(DOCS / "nats.md"))
    (tmp_path / "service.py").write_text(service, encoding="utf-8")
    (tmp_path / "client.py").write_text(client, encoding="utf-8")
    async with running_broker() as broker:
        env = clean_environment(
            NATS_URL=broker.url, STORAGE_API_TOKEN="any-token", STORAGE_API_URL=kai_server.url, PYTHONUNBUFFERED="1"
        )
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "error", tmp_path / "service.py", env=env, stderr=asyncio.subprocess.PIPE
        )
        assert process.stderr is not None
        told = b""
        while b"started successfully" not in told:
            line = await process.stderr.readline()
            assert line, told.decode()
            told += line
        code, output = await run(sys.executable, "-W", "error", tmp_path / "client.py", env=env)
        process.terminate()
        _, rest = await process.communicate()
    assert (code, "in.c-crm.customers" in output, "**12**" in output) == (0, True, True), output
    assert (process.returncode, b"Traceback" in told + rest) == (0, False), (told + rest).decode()
