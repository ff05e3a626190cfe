"""List chats: one page, then all of them, whatever the backend's cursors mean.

Run: uv run python examples/history.py
"""

import asyncio

from connect import connect


async def main() -> None:
    async with connect() as client:
        for question in ("Which tables do I have?", "How many customers are there?", "What can you do?"):
            await client.chat(question)

        page = await client.get_history(limit=2)
        print(f"The newest {len(page.chats)} chats; are there more? {page.has_more}")

        async for chat in client.get_all_history(batch_size=2):
            print(f"{chat.created_at:%Y-%m-%d %H:%M}  {chat.id}  {chat.title}")


if __name__ == "__main__":
    asyncio.run(main())
