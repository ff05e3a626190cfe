"""Every example runs as a newcomer runs it: no environment, the local server, nothing but its own words on stderr."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest

from kai_client.server import ScriptedKai, kai_app, serve

EXAMPLES = Path(__file__).parents[2] / "examples"

PRINTED: list[tuple[str, list[str], str, list[str]]] = [
    ("streaming_chat.py", [], "", ["`in.c-crm.customers`", "`in.c-sales.orders`"]),
    ("streaming_chat.py", ["How many customers are there?"], "", ["**12**"]),
    ("one_shot.py", [], "", ["| country | orders |", "(chat "]),
    ("continue_conversation.py", [], "", ["Kai: Your name is Ada.", "has 4 messages:", "user: What is my name?"]),
    ("tool_approval.py", ["--auto"], "", ["I created the bucket `in.c-sandbox`."]),
    (
        "tool_approval.py",
        [],
        "yes\n",
        ["Run create_bucket with {'name': 'sandbox'}? [y/N, or why not]", "I created the bucket"],
    ),
    ("tool_approval.py", [], "\n", ["I did not create the bucket `sandbox`."]),
    ("history.py", [], "", ["The newest 2 chats; are there more? True", "Which tables do I have?", "What can you do?"]),
    ("voting.py", [], "", ["voted up on ", "stored: up"]),
    ("parallel_chats.py", [], "", ["== Which tables do I have?", "| CZ | 15 |", "**12**"]),
    (
        "error_handling.py",
        [],
        "",
        ["No such chat: [not_found:chat]", "Mistake: chat_id", "Kai did not answer: [connection:failed]"],
    ),
    (
        "parser.py",
        [],
        "",
        ["You have one table.", "-> ['customers'], output-available", "26 tokens, finish reason 'stop'"],
    ),
]


def run(
    name: str, *arguments: str, answers: str = "", env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """An example in a process of its own, warnings being errors."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("STORAGE_API", "KAI_"))}
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    return subprocess.run(
        command, input=answers, capture_output=True, text=True, env=kept | (env or {}), timeout=100, check=False
    )


@pytest.mark.parametrize(("name", "arguments", "answers", "printed"), PRINTED, ids=lambda value: str(value)[:40])
def test_the_example_prints_what_it_promises(name: str, arguments: list[str], answers: str, printed: list[str]) -> None:
    """Exit code 0, the promised lines, and no warning or traceback."""
    done = run(name, *arguments, answers=answers)
    assert done.returncode == 0, done.stderr
    assert [line for line in printed if line not in done.stdout] == []
    assert [word for word in ("Traceback", "Warning", "Error") if word in done.stderr] == []


def test_every_example_is_run() -> None:
    """No example is left out of the table but those that other tests run: of functions, over NATS, and for the web."""
    unprinted = {"connect.py", "mcp_functions.py", "gateway.py", *(path.name for path in EXAMPLES.glob("nats_*.py"))}
    unprinted |= {
        "fastapi_backend.py",
        "background_answer.py",
        *(path.name for path in EXAMPLES.glob("streamlit_*.py")),
    }
    assert {path.name for path in EXAMPLES.glob("*.py")} - unprinted == {row[0] for row in PRINTED}


@pytest.mark.parametrize("mode", ["agent", "assistant"])
async def test_the_approval_example_works_on_both_backends(mode: str) -> None:
    """The same loop decides inside the stream on kai-agent, and in a new stream on kai-assistant."""
    async with serve(kai_app(ScriptedKai(), mode="assistant" if mode == "assistant" else "agent")) as url:
        env = {"STORAGE_API_TOKEN": "t", "STORAGE_API_URL": url, "KAI_SERVICE": f"kai-{mode}"}
        done = await asyncio.to_thread(run, "tool_approval.py", "--auto", env=env)
    assert done.returncode == 0, done.stderr
    assert "I created the bucket `in.c-sandbox`." in done.stdout
