"""One message and all that follows from it, shown as it comes."""

from typing import Final

from kai_client import (
    KaiClient,
    ToolApprovalRequestEvent,
    ToolCallEvent,
    ToolInputErrorEvent,
    ToolOutputDeniedEvent,
    ToolOutputErrorEvent,
)

from .decisions import Decisions
from .render import Renderer

__all__ = ["Conversation"]

_ABOUT_A_CALL: Final = (
    ToolCallEvent,
    ToolInputErrorEvent,
    ToolApprovalRequestEvent,
    ToolOutputErrorEvent,
    ToolOutputDeniedEvent,
)


class Conversation:
    """A chat under one id."""

    def __init__(self, client: KaiClient, chat_id: str) -> None:
        self.chat_id = chat_id
        self._client = client

    async def send(self, text: str, renderer: Renderer, decisions: Decisions) -> None:
        """The answer to `text`. Raises `KaiError` for one that is not whole, `Failure` for one in which a tool was refused."""
        try:
            async with self._client.run(self.chat_id, text, approve=decisions.decide) as stream:
                async for event in stream:
                    call = stream.tool_calls.get(event.tool_call_id) if isinstance(event, _ABOUT_A_CALL) else None
                    renderer.show(event, call)
                await stream.get_final_text()
        finally:
            renderer.end()
        decisions.settle(stream.tool_calls)
