"""What can go wrong, and what the exceptions tell.

Run: uv run python examples/error_handling.py
"""

import asyncio

from connect import connect
from kai_client import (
    KaiAuthenticationError,
    KaiClient,
    KaiConnectionError,
    KaiError,
    KaiForbiddenError,
    KaiNotFoundError,
    KaiRateLimitError,
    KaiStreamError,
    KaiTimeoutError,
)


async def ask(client: KaiClient, question: str) -> str | None:
    """The answer, or None after saying what to do about its absence."""
    try:
        _, answer = await client.chat(question)
    except KaiAuthenticationError:
        print("Check STORAGE_API_TOKEN: it is wrong, expired, or for another stack.")
    except KaiRateLimitError as error:
        print(f"The quota is used up; try again in {error.retry_after or 'some'} seconds.")
    except (KaiConnectionError, KaiTimeoutError) as error:
        print(f"Kai did not answer: {error}")
    except KaiStreamError as error:
        print(f"The answer broke off ({error}); this much had arrived: {error.partial_text!r}")
    except KaiError as error:  # everything else that this package raises
        print(f"{error} (status {error.status_code}, code {error.code})")
    else:
        return answer
    return None


async def main() -> None:
    async with connect() as client:
        try:
            await client.get_chat(client.new_chat_id())
        except (KaiNotFoundError, KaiForbiddenError) as error:
            print(f"No such chat: {error}")
        print(await ask(client, "Which tables do I have?"))

    try:
        client.send_message("", "Hi")  # the caller's own mistake is a plain ValueError, before anything is sent
    except ValueError as error:
        print(f"Mistake: {error}")

    async with KaiClient("token", "http://127.0.0.1:9", "http://127.0.0.1:9") as nobody:
        await ask(nobody, "Is anybody there?")


if __name__ == "__main__":
    asyncio.run(main())
