"""The conversation: `POST /api/chat`, approvals, resuming (protocol 2.3, 2.4, 2.5, 7)."""

from typing import Any, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from kai_client.models import ApprovalResponse
from kai_client.server.bodies import AnyId, ApprovalBody, AssistantMessageBody, ChatBody, UserMessageBody
from kai_client.server.faults import refusal
from kai_client.server.hub import CallerOf, HubOf, ServiceOf, agent_only, assistant_only
from kai_client.server.remote import conversation_of
from kai_client.server.responses import event_stream
from kai_client.server.service import Caller, IncomingMessage
from kai_client.types import ChatModel, VisibilityType

__all__ = ["router"]

router: APIRouter = APIRouter()

_FINISHED: Final = 204


@router.post("/api/chat", response_model=None)
async def chat(body: ChatBody, hub: HubOf, caller: CallerOf, service: ServiceOf) -> Response:
    """A user message and its answer, or the answer's continuation after tool calls were decided."""
    conversation = conversation_of(service)
    if replies := body.message.replies():
        return await event_stream(conversation.send_tool_replies(body.id, replies), hub.take_style)
    if isinstance(body.message, AssistantMessageBody):
        raise refusal("bad_request:api", "The request is not valid.", cause="message: no tool call is answered")
    message = _incoming(body, body.message, caller)
    return await event_stream(conversation.send_user_message(message), hub.take_style)


@router.get("/api/chat/{chat_id}/stream", dependencies=[Depends(assistant_only)], response_model=None)
async def resume(chat_id: AnyId, hub: HubOf, service: ServiceOf) -> Response:
    """The running answer from its first event, 204 where none runs."""
    return await event_stream(service.resume_stream(chat_id), hub.take_style, empty=_FINISHED)


@router.post("/api/chat/{chat_id}/approval", dependencies=[Depends(agent_only)])
async def approval(chat_id: AnyId, body: ApprovalBody, service: ServiceOf) -> ApprovalResponse:
    """The decision for a call that holds a stream open."""
    return await service.submit_approval(
        chat_id,
        body.tool_use_id,
        body.approved,
        reason=body.reason,
        updated_input=body.updated_input,
        answers=body.answers,
    )


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
