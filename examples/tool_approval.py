"""Decide about tool calls that change the project: ask a human, or approve by name with --auto.

`client.run` carries the answer on through every decision, on kai-agent and on kai-assistant alike.

Run: uv run python examples/tool_approval.py [--auto]
"""

import asyncio
import sys

from connect import connect
from kai_client import Denial, TextEvent, ToolCall, approve_only


async def ask_human(call: ToolCall) -> bool | Denial:
    """Whether this one call may run, with these arguments."""
    answer = await asyncio.to_thread(input, f"\nRun {call.tool_name} with {call.input}? [y/N, or why not] ")
    if answer.strip().lower() in {"y", "yes"}:
        return True
    return Denial(reason=answer.strip() or None)


async def main(*, auto: bool) -> None:
    policy = approve_only("create_bucket") if auto else ask_human
    async with connect() as client:
        async for event in client.run(client.new_chat_id(), "Create a bucket called sandbox", approve=policy):
            if isinstance(event, TextEvent):
                print(event.text, end="", flush=True)
        print()


if __name__ == "__main__":
    asyncio.run(main(auto="--auto" in sys.argv))
