"""Go on in the same chat: the backend remembers what was said under the chat's id.

Run: uv run python examples/continue_conversation.py
"""

import asyncio

from connect import connect


async def main() -> None:
    async with connect() as client:
        chat_id, answer = await client.chat("My name is Ada.")
        print("Kai:", answer)
        _, answer = await client.chat("What is my name?", chat_id=chat_id)
        print("Kai:", answer)

        chat = await client.get_chat(chat_id)
        print(f"{chat.title!r} has {len(chat.messages)} messages:")
        for message in chat.messages:
            print(f"  {message.role}: {message.text}")


if __name__ == "__main__":
    asyncio.run(main())
