"""Calls that wait for a human: kai-agent stores them as if they ran (protocol 2.5)."""

from collections.abc import AsyncIterator

from kai_client import KaiClient
from kai_client.approvals.catalogue import ToolCatalogue
from kai_client.message import ToolInputAvailableUIPart, UIPart, read_part
from kai_client.models import ChatDetail, Message

__all__ = ["with_waiting"]


async def with_waiting(client: KaiClient, chat: ChatDetail) -> ChatDetail:
    """The chat; calls of its newest message that cannot run without a human's word are shown as waiting for it.

    What cannot run by itself and has no result waits; the backend's catalogue, fetched if there is such a call, knows
    which tools those are.
    """
    if not chat.messages:
        return chat
    *before, newest = chat.messages
    if not any(isinstance(part, ToolInputAvailableUIPart) for part in newest.parts):
        return chat
    parts = [part async for part in _marked(ToolCatalogue(client), newest)]
    return chat.model_copy(update={"messages": [*before, newest.model_copy(update={"parts": parts})]})


async def _marked(catalogue: ToolCatalogue, message: Message) -> AsyncIterator[UIPart]:
    for part in message.parts:
        if isinstance(part, ToolInputAvailableUIPart) and await catalogue.may_wait(part.tool_name):
            yield read_part({**part.to_dict(), "state": "approval-requested"})
        else:
            yield part
