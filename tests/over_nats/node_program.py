"""A worker as a program of its own. What it begins is in its diary, so that a test knows what it was at when it died."""

import asyncio
import logging
import os
from pathlib import Path
from typing import Any

from kai_client.nats.node import Answer, Job, kai_node
from kai_client.server import ScriptedKai

DIARY = Path(os.environ["DIARY"]) / os.environ["WORKER"]
STUCK = os.environ["WORKER"] == os.environ.get("STUCK")
SECONDS = float(os.environ.get("SECONDS", "0.01"))


async def handler(ctx: Any, job: Job) -> Answer:
    """Take a while, and say who did it."""
    del ctx
    with DIARY.open("a") as diary:
        diary.write(f"began {job.id}\n")
    await asyncio.sleep(3600 if STUCK else SECONDS)
    with DIARY.open("a") as diary:
        diary.write(f"ended {job.id}\n")
    return job.answer(f"Echo {job.text}")


async def ready(kai: object) -> None:
    """Tell the test."""
    del kai
    DIARY.touch()


async def over(kai: object) -> None:
    """Tell the test."""
    del kai
    with DIARY.open("a") as diary:
        diary.write("over\n")


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    asyncio.run(kai_node(handler, kai=ScriptedKai(), on_startup=[ready], on_shutdown=[over]).run())
