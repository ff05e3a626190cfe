"""Print an answer while it is written, and the tool calls behind it.

Run: uv run python examples/streaming_chat.py ["Your question"]
"""

import asyncio
import sys

from connect import connect


async def main(question: str) -> None:
    async with connect() as client, client.send_message(client.new_chat_id(), question) as stream:
        async for event in stream:
            match event.type:
                case "text":
                    print(event.text, end="", flush=True)
                case "tool-call":
                    name = stream.tool_calls[event.tool_call_id].tool_name  # an output does not repeat the name
                    print(f"[{name}: {event.state}]", file=sys.stderr)
                case _:
                    pass
        print()
        print(f"{stream.usage.total_tokens} tokens, finished with {stream.finish_reason!r}", file=sys.stderr)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "Which tables do I have?"))
