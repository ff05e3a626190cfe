"""A `KaiService` that knows texts only, `KaiClient` for one, taking part in conversations of messages."""

from collections.abc import AsyncIterator, Sequence

from kai_client.events import SSEEvent
from kai_client.types import Json

from .faults import refusal
from .service import Conversation, IncomingMessage, KaiService, ToolReply

__all__ = ["conversation_of"]


def conversation_of(service: KaiService) -> Conversation:
    """The service itself if it speaks in messages, else a translator."""
    return service if isinstance(service, Conversation) else _Translated(service)


class _Translated:
    def __init__(self, service: KaiService) -> None:
        self._service = service

    def send_user_message(self, message: IncomingMessage) -> AsyncIterator[SSEEvent]:
        if any(part.get("type") == "file" for part in message.parts):
            raise refusal("bad_request:api", "This server passes on text only, no files.")
        return self._service.send_message(message.chat_id, message.text, **message.options)

    def send_tool_replies(self, chat_id: str, replies: Sequence[ToolReply]) -> AsyncIterator[SSEEvent]:
        # A re-posted message carries the outputs of older calls too; they are no decisions.
        decided = [reply for reply in replies if reply.approval_id is not None or reply.tool_name]
        if len(decided) != 1:
            raise refusal("bad_request:api", "This server passes on one decision at a time.")
        reply = decided[0]
        decision = reply.decision
        if reply.approval_id is not None:
            return self._service.send_tool_approval_response(
                chat_id, reply.approval_id, decision.approved, reason=decision.reason
            )
        result: Json = "confirmed" if decision.approved else "denied"
        if decision.output is not None:
            result = decision.output.value
        if not isinstance(result, str):
            raise refusal("bad_request:api", "This server passes on tool results that are texts.")
        return self._service.send_tool_result(chat_id, reply.tool_call_id or "", reply.tool_name, result)
