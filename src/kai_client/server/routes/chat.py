"""The conversation: `POST /api/chat`, approvals, resuming (protocol 2.3, 2.4, 2.5, 7)."""

from typing import Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from kai_client.models import ApprovalResponse
from kai_client.server.bodies import AnyId, ApprovalBody, ChatBody
from kai_client.server.hub import CallerOf, HubOf, ServiceOf, agent_only, assistant_only
from kai_client.server.incoming import answer_to
from kai_client.server.responses import event_stream

__all__ = ["router"]

router: APIRouter = APIRouter()

_FINISHED: Final = 204


@router.post("/api/chat", response_model=None)
async def chat(body: ChatBody, hub: HubOf, caller: CallerOf, service: ServiceOf) -> Response:
    """A user message and its answer, or the answer's continuation after tool calls were decided."""
    return await event_stream(hub.noted(answer_to(body, caller, service)), hub.take_style)


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
