"""Many chats at once on one client; one that fails does not stop the others.

Run: uv run python examples/parallel_chats.py
"""

import asyncio

from connect import connect
from kai_client import KaiClient, KaiError

QUESTIONS = ("Which tables do I have?", "How many orders are there per country?", "How many customers are there?")


async def ask(client: KaiClient, question: str, limit: asyncio.Semaphore) -> str:
    async with limit:
        try:
            _, answer = await client.chat(question)
        except KaiError as error:
            return f"failed: {error}"
    return answer


async def main() -> None:
    limit = asyncio.Semaphore(2)  # Kai's quota counts messages: be gentle
    async with connect() as client:
        answers = await asyncio.gather(*(ask(client, question, limit) for question in QUESTIONS))
    for question, answer in zip(QUESTIONS, answers, strict=True):
        print(f"== {question}\n{answer}\n")


if __name__ == "__main__":
    asyncio.run(main())
