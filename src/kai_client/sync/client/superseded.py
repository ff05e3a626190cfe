# Made of kai_client/client/superseded.py by scripts/generate_sync.py: change that, and run this.
"""The published methods that decide about one tool call. `KaiClient.run` takes their place."""

from typing import Final

from pydantic import JsonValue
from typing_extensions import deprecated

from kai_client.client.requests import chat_request, post
from kai_client.models import AssistantMessageRequest, MessageRequest
from kai_client.sync import approvals
from kai_client.sync.approvals import Approval, Denial
from kai_client.sync.client.chats import ChatMethods
from kai_client.sync.stream import ChatStream, Opening
from kai_client.sync.transport import checked_id
from kai_client.types import ChatModel, VisibilityType

_USE_RUN: Final = (
    "Use client.run(chat_id, text, approve=policy), which decides about every call of an answer, on every backend; "
    "client.run(chat_id, approve=by_id({...})) for an answer that has ended"
)


class SupersededMethods(ChatMethods):
    """One decision each, in the form of one backend (protocol 2.4). A step with several pending calls needs `run`."""

    @deprecated(_USE_RUN)
    def send_tool_approval_response(
        self,
        chat_id: str,
        approval_id: str,
        approved: bool,
        *,
        reason: str | None = None,
        visibility: str | VisibilityType = VisibilityType.PRIVATE,
        branch_id: int | None = None,
        model: str | ChatModel = ChatModel.CHAT,
    ) -> ChatStream:
        """Decide about a tool call on kai-assistant, after its stream has ended: the answer goes on in this new stream.

        Reads the chat, answers the request `approval_id` in its assistant message and sends that message back. Raises
        `KaiError` with the code `approval:not_found` where no message asks for it (protocol 2.4).
        """
        return self._decided(chat_id, approval_id, approved, reason, visibility, branch_id, model)

    @deprecated(_USE_RUN)
    def approve_tool(
        self,
        chat_id: str,
        approval_id: str,
        *,
        reason: str | None = None,
        visibility: str | VisibilityType = VisibilityType.PRIVATE,
        branch_id: int | None = None,
        model: str | ChatModel = ChatModel.CHAT,
    ) -> ChatStream:
        """`send_tool_approval_response` with a yes."""
        return self._decided(chat_id, approval_id, True, reason, visibility, branch_id, model)

    @deprecated(_USE_RUN)
    def reject_tool(
        self,
        chat_id: str,
        approval_id: str,
        *,
        reason: str | None = None,
        visibility: str | VisibilityType = VisibilityType.PRIVATE,
        branch_id: int | None = None,
        model: str | ChatModel = ChatModel.CHAT,
    ) -> ChatStream:
        """`send_tool_approval_response` with a no; the model is told the reason."""
        return self._decided(chat_id, approval_id, False, reason, visibility, branch_id, model)

    @deprecated(_USE_RUN)
    def send_tool_result(
        self,
        chat_id: str,
        tool_call_id: str,
        tool_name: str,
        result: JsonValue,
        *,
        visibility: str | VisibilityType = VisibilityType.PRIVATE,
        branch_id: int | None = None,
        model: str | ChatModel = ChatModel.CHAT,
    ) -> ChatStream:
        """Answer a tool call of the oldest backends with a result; the chat goes on in this new stream (protocol 2.4)."""
        return self._result(chat_id, tool_call_id, tool_name, result, visibility, branch_id, model)

    @deprecated(_USE_RUN)
    def confirm_tool(
        self,
        chat_id: str,
        tool_call_id: str,
        tool_name: str,
        *,
        visibility: str | VisibilityType = VisibilityType.PRIVATE,
        branch_id: int | None = None,
        model: str | ChatModel = ChatModel.CHAT,
    ) -> ChatStream:
        """`send_tool_result` with the yes of the oldest backends."""
        return self._result(chat_id, tool_call_id, tool_name, approvals.CONFIRMED, visibility, branch_id, model)

    @deprecated(_USE_RUN)
    def deny_tool(
        self,
        chat_id: str,
        tool_call_id: str,
        tool_name: str,
        *,
        visibility: str | VisibilityType = VisibilityType.PRIVATE,
        branch_id: int | None = None,
        model: str | ChatModel = ChatModel.CHAT,
    ) -> ChatStream:
        """`send_tool_result` with the no of the oldest backends."""
        return self._result(chat_id, tool_call_id, tool_name, approvals.DENIED, visibility, branch_id, model)

    def _decided(
        self,
        chat_id: str,
        approval_id: str,
        approved: bool,
        reason: str | None,
        visibility: str,
        branch_id: int | None,
        model: str,
    ) -> ChatStream:
        if not isinstance(approved, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - a string never approves
            raise TypeError(f"approved must be True or False, not {type(approved).__name__}")
        checked_id(approval_id, "approval_id")
        checked_id(chat_id, "chat_id")

        def prepare() -> Opening:
            asking = approvals.message_asking((self.get_chat(chat_id)).messages, approval_id)
            decision = Approval() if approved else Denial()
            message = approvals.answered_message(asking, approvals={approval_id: decision}, reason=reason)
            again = AssistantMessageRequest(id=message.id, parts=[dict(part) for part in message.parts])
            return Opening(post(chat_request(chat_id, again, visibility, branch_id, model)), message)

        return self._stream(prepare, chat_id)

    def _result(
        self,
        chat_id: str,
        tool_call_id: str,
        tool_name: str,
        result: JsonValue,
        visibility: str,
        branch_id: int | None,
        model: str,
    ) -> ChatStream:
        part = approvals.tool_result(checked_id(tool_call_id, "tool_call_id"), tool_name, result)
        message = MessageRequest(id=self.new_message_id(), parts=[part])
        return self._stream_of(chat_request(chat_id, message, visibility, branch_id, model))
