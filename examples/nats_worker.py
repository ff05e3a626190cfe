"""A worker: it takes questions from a NATS broker, asks Kai, and leaves the answers there. Start as many as you like.

Run: uv run nats-server -js &
     export NATS_URL=nats://127.0.0.1:4222 KAI_NODE_INPUT=kai.jobs KAI_NODE_OUTPUT=kai.answers
     uv run python examples/nats_worker.py &
     uv run kai batch questions.jsonl --nats $NATS_URL
"""

import asyncio
import logging

from connect import connect
from kai_client.nats.node import Answer, Job, JobContext, ask_kai, kai_node


async def handler(ctx: JobContext, job: Job) -> Answer:
    answer = await ask_kai(ctx, job)
    ctx.logger.info("%s characters for %s", len(answer.text), job.id)
    return answer


async def main() -> None:
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    async with connect() as kai:
        await kai_node(handler, kai=kai).run()


if __name__ == "__main__":
    asyncio.run(main())
