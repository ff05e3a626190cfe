"""Vote on an answer, and read the votes of a chat.

Run: uv run python examples/voting.py
"""

import asyncio

from connect import connect


async def main() -> None:
    async with connect() as client:
        chat_id, _ = await client.chat("Which tables do I have?")
        answer = (await client.get_chat(chat_id)).messages[-1]

        await client.downvote(chat_id, answer.id)
        vote = await client.upvote(chat_id, answer.id)  # a second vote replaces the first
        print(f"voted {vote.type} on {vote.message_id}")

        for vote in await client.get_votes(chat_id):
            print(f"stored: {vote.type}")


if __name__ == "__main__":
    asyncio.run(main())
