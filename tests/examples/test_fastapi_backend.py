"""The web backend runs as a newcomer runs it; what `useChat` makes of it is in `tests/interop`."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx

EXAMPLE = Path(__file__).parents[2] / "examples" / "fastapi_backend.py"


async def test_the_backend_serves_its_page_and_answers() -> None:
    """It says where it listens, serves the page, relays an answer, and ends on Ctrl-C without a word."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("STORAGE_API", "KAI_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", EXAMPLE, env=kept | {"PORT": "0"}, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    url = (await process.stdout.readline()).decode().removeprefix("Chat with Kai on ").strip()
    message = {"id": "m", "role": "user", "parts": [{"type": "text", "text": "Which tables do I have?"}]}
    body = {"id": "6d3f0d1c-6c39-4b0e-8a29-7f7c6a5d8b11", "messages": [message]}
    async with httpx.AsyncClient(base_url=url) as http:
        page = await http.get("/")
        answer = await http.post("/api/chat", json=body)
    assert (page.status_code, "<title>A chat with Kai</title>" in page.text) == (200, True)
    assert "in.c-crm.customers" in answer.text
    assert answer.text.endswith("data: [DONE]\n\n")
    process.send_signal(signal.SIGINT)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"(no STORAGE_API_TOKEN: talking to a local server)\n")
