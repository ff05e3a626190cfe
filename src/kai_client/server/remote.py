"""A `KaiService` that knows texts only, `KaiClient` for one, taking part in conversations of messages."""

from collections.abc import AsyncIterator, Sequence
from typing import Any

from kai_client.approvals import Approval, Decision, Denial, LocalResult, Policy, ToolCall, same_json
from kai_client.events import SSEEvent
from kai_client.exceptions import KaiError

from .faults import refusal
from .service import CarriesOn, Conversation, IncomingMessage, KaiService, ToolReply
from .streams import closing

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

    async def send_tool_replies(self, chat_id: str, replies: Sequence[ToolReply]) -> AsyncIterator[SSEEvent]:
        if not isinstance(self._service, CarriesOn):
            raise refusal(
                "bad_request:api", "This server passes on no answers to tool calls after the end of a stream."
            )
        given = _Replies(replies)
        nothing = True
        try:
            async with closing(self._service.run(chat_id, approve=given.decide, tools=given)) as events:
                async for event in events:
                    nothing = False
                    yield event
        except KaiError as error:
            if (error.code or "").startswith("approval:"):  # the client's own words about the message that it was sent
                raise refusal("bad_request:api", error.message) from error
            raise
        if nothing:
            raise refusal("bad_request:api", "Every tool call that waits has to be answered in the same message.")


class _Replies:
    """The policy, and the tools, whose every answer has arrived already. What was not answered stays pending."""

    def __init__(self, replies: Sequence[ToolReply]) -> None:
        # A re-posted message carries the outputs of older calls too; nobody asks for them.
        self._by_approval = {reply.approval_id: reply for reply in replies if reply.approval_id is not None}
        self._by_call = {reply.tool_call_id: reply for reply in replies if reply.tool_call_id is not None}

    def decide(self, call: ToolCall[Any], /) -> Decision | None:
        reply = self._by_approval.get(call.approval_id) if call.approval_id is not None else None
        if reply is None:
            reply = self._by_call.get(call.tool_call_id)
            if reply is not None and reply.approval_id is not None:
                return None  # an answer to an older question
        if reply is None or reply.decision.output is not None:
            return None
        if reply.asked is not None and not same_json(reply.asked.get("input"), call.input):
            return None  # about other arguments
        return Approval() if reply.decision.approved else Denial(reason=reply.decision.reason)

    def runs(self, tool_name: str) -> bool:
        replies = self._by_call.values()
        return any(reply.tool_name == tool_name and reply.decision.output is not None for reply in replies)

    def policy_for(self, tool_name: str) -> Policy | None:
        del tool_name
        return None

    async def answer(self, call: ToolCall[Any]) -> LocalResult:
        reply = self._by_call.get(call.tool_call_id)
        if reply is None or reply.decision.output is None:
            raise refusal("bad_request:api", f"The result of the tool call {call.tool_call_id!r} is missing.")
        return reply.decision.output
