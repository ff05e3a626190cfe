"""One question to the Kai service on NATS, one reply. It needs no credentials of Keboola's; the service has them.

Run: uv run python examples/nats_service.py          in another terminal
     uv run python examples/nats_client.py "How many orders are there per country?"
"""

import asyncio
import os
import sys

from kai_client import KaiError
from kai_client.nats import NatsKai


async def main(prompt: str) -> None:
    async with NatsKai.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222")) as kai:
        reply = await kai.infer(prompt)
    print(f"Generation id: {reply.generation_id}")
    print(f"Output: {reply.output}")
    print(f"Tokens used: {reply.usage.total_tokens if reply.usage else 'not told'}")
    print(f"Finish reason: {reply.finish_reason}")


if __name__ == "__main__":
    try:
        asyncio.run(main(" ".join(sys.argv[1:]) or "How many orders are there per country?"))
    except KaiError as error:
        sys.exit(str(error))
