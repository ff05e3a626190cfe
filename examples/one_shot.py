"""One question, one answer: `chat()` returns the whole text or raises.

Run: uv run python examples/one_shot.py
"""

import asyncio

from connect import connect


async def main() -> None:
    async with connect() as client:
        chat_id, answer = await client.chat("How many orders are there per country?")
        print(answer)
        print(f"(chat {chat_id})")


if __name__ == "__main__":
    asyncio.run(main())
