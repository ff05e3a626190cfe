"""The blocking client: what `kai_client` has in async, for programs without an event loop. See docs/sync.md.

    from kai_client.sync import KaiClient

    with KaiClient.from_env() as client, client.send_message(client.new_chat_id(), "Hi") as stream:
        for text in stream.text_stream:
            print(text, end="")

Here are the names that differ from the async ones; events, messages, models and exceptions are those of `kai_client`.
"""

from .approvals import (
    LocalTools,
    Policy,
    all_of,
    any_of,
    approve_all,
    approve_only,
    ask,
    by_id,
    deny_all,
    first_of,
    with_timeout,
)
from .client import KaiClient
from .sse import SSEStreamParser, parse_sse_stream
from .stream import ChatStream
from .toolbox import Toolbox

__all__ = [
    "ChatStream",
    "KaiClient",
    "LocalTools",
    "Policy",
    "SSEStreamParser",
    "Toolbox",
    "all_of",
    "any_of",
    "approve_all",
    "approve_only",
    "ask",
    "by_id",
    "deny_all",
    "first_of",
    "parse_sse_stream",
    "with_timeout",
]
