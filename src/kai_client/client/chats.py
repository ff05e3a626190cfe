"""Chats: sending, resuming, reading and deleting."""

import uuid
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from kai_client.models import ChatDetail, ChatRequest, ToolRestrictions
from kai_client.stream import ChatStream, Continuation, Opening
from kai_client.transport import Carrier, StreamRequest, Timeouts, TimeoutTypes, checked_id, path_segment
from kai_client.types import NOT_GIVEN, ChatModel, KaiBackend, NotGiven, VisibilityType

from .base import ClientBase
from .requests import chat_request, post, user_message


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
        message = user_message(self.new_message_id(), text, hidden=hidden, request_path=request_path)
        request = chat_request(chat_id, message, visibility, branch_id, model, tool_restrictions)
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

    def _stream_of(
        self, request: ChatRequest, timeout: TimeoutTypes | NotGiven = NOT_GIVEN, *, recover: bool = False
    ) -> ChatStream:
        async def prepare() -> Opening:
            return Opening(post(request))

        return self._stream(prepare, request.id, timeout, recover=recover)

    def _stream(
        self,
        prepare: Callable[[], Awaitable[Opening]],
        chat_id: str,
        timeout: TimeoutTypes | NotGiven = NOT_GIVEN,
        *,
        recover: bool = False,
        continuation: Continuation | None = None,
    ) -> ChatStream:
        return ChatStream(
            self._streaming(timeout),
            prepare,
            chat_id=chat_id,
            recover=recover,
            resumable=self.backend != KaiBackend.AGENT,  # which offers no replay (protocol 7.1)
            continuation=continuation,
        )

    def _streaming(self, timeout: TimeoutTypes | NotGiven) -> Carrier:
        if timeout is NOT_GIVEN:
            return self._transport
        return replace(self._transport, stream_timeouts=Timeouts.of(timeout, "timeout"))
