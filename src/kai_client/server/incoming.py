"""A chat request, once its body is read: to whom it goes, and the answer. Whatever carried it (HTTP, NATS), it is the same."""

from collections.abc import AsyncIterator
from typing import Any

from kai_client.backend import ChatBackend
from kai_client.events import SSEEvent
from kai_client.types import ChatModel, VisibilityType

from .bodies import AssistantMessageBody, ChatBody, UserMessageBody
from .faults import refusal
from .host import StoredKai
from .remote import conversation_of
from .service import Caller, IncomingMessage, KaiHost, KaiService

__all__ = ["answer_to", "service_for", "with_service"]


def with_service(backend: ChatBackend | KaiService | KaiHost) -> KaiService | KaiHost:
    """The backend, or a host that makes a whole service of one that only answers."""
    return backend if isinstance(backend, KaiHost | KaiService) else StoredKai(backend)


def service_for(backend: KaiService | KaiHost, caller: Caller) -> KaiService:
    """The backend as this caller sees it."""
    return backend.for_user(caller) if isinstance(backend, KaiHost) else backend


def answer_to(body: ChatBody, caller: Caller, service: KaiService) -> AsyncIterator[SSEEvent]:
    """The answer to a user message, or its continuation after tool calls were decided. Raises `KaiBadRequestError`."""
    conversation = conversation_of(service)
    if replies := body.message.replies():
        return conversation.send_tool_replies(body.id, replies)
    if isinstance(body.message, AssistantMessageBody):
        raise refusal("bad_request:api", "The request is not valid.", cause="message: no tool call is answered")
    return conversation.send_user_message(_incoming(body, body.message, caller))


def _incoming(body: ChatBody, message: UserMessageBody, caller: Caller) -> IncomingMessage:
    """The message, with the keywords that `send_message` has for what the body says."""
    metadata = message.metadata
    context = metadata.request_context if metadata is not None else None
    options: dict[str, Any] = {
        "visibility": VisibilityType(body.selected_visibility_type),
        "model": body.selected_chat_model if body.selected_chat_model != ChatModel.CHAT else None,
        "branch_id": body.branch_id,
        "hidden": (metadata is not None and metadata.hidden) or None,
        "request_path": context.path if context is not None else None,
        # kai-assistant drops the key like any that it does not know (protocol, "Two backends").
        "tool_restrictions": body.tool_restrictions if caller.mode == "agent" else None,
    }
    return IncomingMessage(
        chat_id=body.id,
        text=message.text,
        id=message.id,
        parts=[part.model_dump(by_alias=True, exclude_none=True) for part in message.parts],
        metadata=metadata.model_dump(by_alias=True, exclude_none=True) if metadata is not None else None,
        options={name: value for name, value in options.items() if value is not None},
    )
