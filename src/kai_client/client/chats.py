"""Chats: sending, resuming, deciding about tool calls, reading and deleting."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from pydantic import JsonValue

from kai_client import approvals
from kai_client.models import (
    ApprovalResponse,
    AssistantMessageRequest,
    ChatDetail,
    ChatRequest,
    MessageMetadata,
    MessageRequest,
    RequestContext,
    TextPart,
    ToolRestrictions,
)
from kai_client.stream import ChatStream, Opening
from kai_client.transport import StreamRequest, Timeouts, TimeoutTypes, Transport, checked_id, path_segment
from kai_client.types import NOT_GIVEN, ChatModel, KaiBackend, NotGiven, VisibilityType

from .base import ClientBase


class ChatMethods(ClientBase):
    """The chat endpoints of protocol section 2."""

    backend: str | None

    @staticmethod
    def new_chat_id() -> str:
        """A new UUID; the backend creates the chat when the first message arrives under it."""
        return str(uuid.uuid4())

    @staticmethod
    def new_message_id() -> str:
        """A new UUID."""
        return str(uuid.uuid4())

    def send_message(
        self,
        chat_id: str,
        text: str,
        *,
        visibility: str | VisibilityType = VisibilityType.PRIVATE,
        branch_id: int | None = None,
        hidden: bool = False,
        request_path: str | None = None,
        model: str | ChatModel = ChatModel.CHAT,
        tool_restrictions: ToolRestrictions | Mapping[str, Any] | None = None,
        timeout: TimeoutTypes | NotGiven = NOT_GIVEN,
        recover: bool = False,
    ) -> ChatStream:
        """The stream of the answer to `text`; nothing is sent before it is entered or iterated.

        `hidden` keeps the message out of the UI, `request_path` tells where in the UI the user is. `tool_restrictions`
        bind the whole chat and only on kai-agent: the first message of a chat decides (protocol 2.3). `timeout` is this
        stream's, instead of the client's `stream_timeout`. With `recover`, a connection that is lost in the middle of the
        answer does not end it: see `ChatStream.recover`. Raises `ValueError` or `TypeError` at once for ids and arguments
        that cannot be sent.
        """
        if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - checked for untyped callers
            raise TypeError(f"text must be a string, not {type(text).__name__}")
        message = MessageRequest(
            id=self.new_message_id(),
            parts=[TextPart(text=text)],
            metadata=_metadata(hidden=hidden, request_path=request_path),
        )
        request = _chat_request(chat_id, message, visibility, branch_id, model, tool_restrictions)
        return self._stream_of(request, timeout, recover=recover)

    async def chat(
        self,
        text: str,
        *,
        chat_id: str | None = None,
        visibility: str | VisibilityType = VisibilityType.PRIVATE,
        branch_id: int | None = None,
        hidden: bool = False,
        request_path: str | None = None,
        model: str | ChatModel = ChatModel.CHAT,
        tool_restrictions: ToolRestrictions | Mapping[str, Any] | None = None,
        timeout: TimeoutTypes | NotGiven = NOT_GIVEN,  # noqa: ASYNC109 - the stream's own, handed on
    ) -> tuple[str, str]:
        """The chat's id and the whole text of the answer; without `chat_id` a new chat begins.

        Raises `KaiError` when the answer is not whole (an error chunk, an abort, a broken stream); what had arrived is on
        the exception, as `partial_text`.
        """
        chat_id = self.new_chat_id() if chat_id is None else chat_id
        stream = self.send_message(
            chat_id,
            text,
            visibility=visibility,
            branch_id=branch_id,
            hidden=hidden,
            request_path=request_path,
            model=model,
            tool_restrictions=tool_restrictions,
            timeout=timeout,
        )
        return chat_id, await stream.get_final_text()

    def resume_stream(self, chat_id: str, *, timeout: TimeoutTypes | NotGiven = NOT_GIVEN) -> ChatStream:
        """The stream of an answer that is still being written, from its start; empty when there is none.

        Only kai-assistant offers this; kai-agent answers with `KaiNotFoundError` (protocol 7.1).
        """
        path = f"/api/chat/{path_segment(chat_id, 'chat_id')}/stream"
        request = StreamRequest(method="GET", path=path, may_be_empty=True)

        async def prepare() -> Opening:
            return Opening(request)

        return self._stream(prepare, chat_id, timeout)

    async def get_chat(self, chat_id: str) -> ChatDetail:
        """The chat with its messages, oldest first. Raises `KaiNotFoundError` or `KaiForbiddenError`."""
        return await self._get(ChatDetail, f"/api/chat/{path_segment(chat_id, 'chat_id')}")

    async def delete_chat(self, chat_id: str) -> None:
        """Delete the chat. An unknown or foreign chat is a `KaiForbiddenError` (protocol 2.2)."""
        await self._transport.request("DELETE", "/api/chat", params={"id": checked_id(chat_id, "chat_id")})

    async def submit_approval(
        self,
        chat_id: str,
        tool_use_id: str,
        approved: bool,
        *,
        reason: str | None = None,
        updated_input: dict[str, Any] | None = None,
        answers: dict[str, Any] | None = None,
    ) -> ApprovalResponse:
        """Decide about a tool call on kai-agent, while its stream is open: that same stream goes on.

        `tool_use_id` is the `tool_call_id` of the event. `updated_input` replaces the input of an approved call. Raises
        `KaiNotFoundError` for a call that waits for nobody, which is harmless (protocol 2.5).
        """
        body = {
            "toolUseId": checked_id(tool_use_id, "tool_use_id"),
            "approved": approvals.checked_decision(approved),
            **_given(reason=reason, updatedInput=updated_input, answers=answers),
        }
        path = f"/api/chat/{path_segment(chat_id, 'chat_id')}/approval"
        return self._read(ApprovalResponse, await self._transport.request("POST", path, json=body))

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
        approvals.checked_decision(approved)
        checked_id(approval_id, "approval_id")
        checked_id(chat_id, "chat_id")

        async def prepare() -> Opening:
            chat = await self.get_chat(chat_id)
            message = approvals.answered_message(chat.messages, approval_id, approved=approved, reason=reason)
            again = AssistantMessageRequest(id=message.id, parts=[dict(part) for part in message.parts])
            return Opening(_post(_chat_request(chat_id, again, visibility, branch_id, model)), message)

        return self._stream(prepare, chat_id)

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
        return self.send_tool_approval_response(
            chat_id, approval_id, approved=True, reason=reason, visibility=visibility, branch_id=branch_id, model=model
        )

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
        return self.send_tool_approval_response(
            chat_id, approval_id, approved=False, reason=reason, visibility=visibility, branch_id=branch_id, model=model
        )

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
        part = approvals.tool_result(checked_id(tool_call_id, "tool_call_id"), tool_name, result)
        message = MessageRequest(id=self.new_message_id(), parts=[part])
        return self._stream_of(_chat_request(chat_id, message, visibility, branch_id, model))

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
        return self.send_tool_result(
            chat_id,
            tool_call_id,
            tool_name,
            approvals.CONFIRMED,
            visibility=visibility,
            branch_id=branch_id,
            model=model,
        )

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
        return self.send_tool_result(
            chat_id,
            tool_call_id,
            tool_name,
            approvals.DENIED,
            visibility=visibility,
            branch_id=branch_id,
            model=model,
        )

    def _stream_of(
        self, request: ChatRequest, timeout: TimeoutTypes | NotGiven = NOT_GIVEN, *, recover: bool = False
    ) -> ChatStream:
        async def prepare() -> Opening:
            return Opening(_post(request))

        return self._stream(prepare, request.id, timeout, recover=recover)

    def _stream(
        self,
        prepare: Callable[[], Awaitable[Opening]],
        chat_id: str,
        timeout: TimeoutTypes | NotGiven = NOT_GIVEN,
        *,
        recover: bool = False,
    ) -> ChatStream:
        # kai-agent offers no replay (protocol 7.1).
        resumable = self.backend != KaiBackend.AGENT
        return ChatStream(self._streaming(timeout), prepare, chat_id=chat_id, recover=recover, resumable=resumable)

    def _streaming(self, timeout: TimeoutTypes | NotGiven) -> Transport:
        if timeout is NOT_GIVEN:
            return self._transport
        return replace(self._transport, stream_timeouts=Timeouts.of(timeout, "timeout"))


def _post(request: ChatRequest) -> StreamRequest:
    return StreamRequest(method="POST", path="/api/chat", json=request.to_body())


def _chat_request(
    chat_id: str,
    message: MessageRequest | AssistantMessageRequest,
    visibility: str,
    branch_id: int | None,
    model: str,
    tool_restrictions: ToolRestrictions | Mapping[str, Any] | None = None,
) -> ChatRequest:
    if branch_id is not None and (isinstance(branch_id, bool) or not isinstance(branch_id, int)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"branch_id must be an int, not {type(branch_id).__name__}")
    if tool_restrictions is not None and not isinstance(tool_restrictions, ToolRestrictions):
        tool_restrictions = ToolRestrictions.model_validate(tool_restrictions)
    return ChatRequest(
        id=checked_id(chat_id, "chat_id"),
        message=message,
        selected_chat_model=str(model),
        selected_visibility_type=str(visibility),
        branch_id=branch_id,
        tool_restrictions=tool_restrictions,
    )


def _metadata(*, hidden: bool, request_path: str | None) -> MessageMetadata | None:
    """Sent only if it says something, and then `hidden` is in it (protocol 2.3)."""
    if not hidden and request_path is None:
        return None
    context = None if request_path is None else RequestContext(path=request_path)
    return MessageMetadata(hidden=hidden, request_context=context)


def _given(**values: JsonValue) -> dict[str, JsonValue]:
    return {key: value for key, value in values.items() if value is not None}
