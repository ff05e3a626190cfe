"""A worker for the tests of `kai batch --nats`. What it is asked is in its diary, a line each time."""

import asyncio
import os
from pathlib import Path
from typing import Any

from kai_client import KaiBadRequestError
from kai_client.nats.node import Answer, Job, ToolUse, kai_node
from kai_client.server import ScriptedKai

DIARY = Path(os.environ["DIARY"])


async def handler(ctx: Any, job: Job) -> Answer:
    """Do what the text says."""
    del ctx
    with DIARY.open("a") as diary:  # noqa: ASYNC230 - a moment
        diary.write(f"{job.text}\n")
    word, _, rest = job.text.partition(" ")
    calls: list[ToolUse] = []
    match word:
        case "bad":
            raise KaiBadRequestError("No such thing", "bad_request:api", status_code=400)
        case "wait":
            await asyncio.sleep(float(rest))
        case "denied":
            calls.append(ToolUse(name="drop_table", state="output-denied"))
        case _:
            pass
    usage = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}
    return job.answer(
        f"Echo {job.text}",
        chat_id=job.chat_id or "8d1f0000-0000-4000-8000-00000000abcd",
        finish_reason="stop",
        usage=usage,
        tool_calls=calls,
        data=job.params,
    )


async def ready(kai: object) -> None:
    """Tell the test."""
    del kai
    DIARY.touch()  # noqa: ASYNC240 - a moment


if __name__ == "__main__":
    asyncio.run(kai_node(handler, kai=ScriptedKai(), on_startup=[ready]).run())
