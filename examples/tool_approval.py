"""Decide about tool calls that change the project: ask a human, or approve by name with --auto.

On kai-agent the stream stays open and silent until somebody decides, so the decision is made inside the loop. On
kai-assistant the stream ends with a request, and the answer to it is a new stream.

Run: uv run python examples/tool_approval.py [--auto]
"""

import asyncio
import contextlib
import sys

from connect import connect
from kai_client import ChatStream, KaiClient, KaiNotFoundError, TextEvent, ToolApprovalRequestEvent, ToolCallEvent

TRUSTED = {"create_bucket"}


async def decide(call: ToolCallEvent, *, auto: bool) -> bool:
    """Whether this one call may run."""
    if auto:
        return call.tool_name in TRUSTED
    answer = await asyncio.to_thread(input, f"\nRun {call.tool_name} with {call.input}? [y/N] ")
    return answer.strip().lower() in {"y", "yes"}


async def follow(client: KaiClient, stream: ChatStream, harmless: set[str], *, auto: bool) -> ChatStream | None:
    """Print a stream and decide about its calls; what it returns is the stream in which the answer goes on."""
    request: ToolApprovalRequestEvent | None = None
    async with stream:
        async for event in stream:
            match event:
                case ToolApprovalRequestEvent():
                    request = event
                case ToolCallEvent(state="input-available") if client.backend != "kai-assistant":
                    if event.tool_name not in harmless:
                        await submit(client, stream.chat_id, event, auto=auto)
                case TextEvent():
                    print(event.text, end="", flush=True)
                case _:
                    pass
    if request is None:
        return None
    approved = await decide(stream.tool_calls[request.tool_call_id], auto=auto)
    return client.send_tool_approval_response(stream.chat_id, request.approval_id, approved=approved)


async def submit(client: KaiClient, chat_id: str, call: ToolCallEvent, *, auto: bool) -> None:
    """Tell kai-agent the decision, while its stream is open."""
    approved = await decide(call, auto=auto)
    with contextlib.suppress(KaiNotFoundError):  # the backend may run this tool without asking
        await client.submit_approval(chat_id, call.tool_call_id, approved=approved)


async def main(*, auto: bool) -> None:
    async with connect() as client:
        harmless = {tool.name for tool in (await client.get_tools()).tools if tool.read_only}
        stream: ChatStream | None = client.send_message(client.new_chat_id(), "Create a bucket called sandbox")
        while stream is not None:
            stream = await follow(client, stream, harmless, auto=auto)
        print()


if __name__ == "__main__":
    asyncio.run(main(auto="--auto" in sys.argv))
