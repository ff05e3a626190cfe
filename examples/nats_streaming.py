"""A streamed answer of the Kai service on NATS: `NatsKai` has the methods, events and exceptions of `KaiClient`.

Run: uv run python examples/nats_service.py          in another terminal
     uv run python examples/nats_streaming.py "Which tables do I have?"
"""

import asyncio
import os
import sys

from kai_client import KaiError
from kai_client.nats import NatsKai


async def main(prompt: str) -> None:
    url = os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
    async with NatsKai.connect(url) as kai, kai.send_message(kai.new_chat_id(), prompt) as stream:
        async for text in stream.text_stream:
            print(text, end="", flush=True)
        message = await stream.get_final_message()
        print(f"\nGeneration id: {message.id}")
        print(f"Finish reason: {stream.finish_reason}")
        print(f"Total tokens: {stream.usage.total_tokens}")


if __name__ == "__main__":
    try:
        asyncio.run(main(" ".join(sys.argv[1:]) or "Which tables do I have?"))
    except KaiError as error:
        sys.exit(str(error))
