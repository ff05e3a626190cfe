"""What is kept: a chat, the history, votes (protocol 2.2, 8)."""

from typing import Annotated, Final

from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse

from kai_client.exceptions import KaiNotFoundError
from kai_client.models import Chat, ChatDetail, HistoryResponse, Vote
from kai_client.server.bodies import AnyId, VoteBody
from kai_client.server.hub import CallerOf, HubOf, ServiceOf
from kai_client.types import Json, JsonObject

__all__ = ["router"]

router: APIRouter = APIRouter()

_MOST: Final = 1000
"""A `limit` out of range is moved into it, as the template does (protocol 8.1)."""


@router.get("/api/chat/{chat_id}")
async def get_chat(chat_id: AnyId, service: ServiceOf) -> ChatDetail:
    """The chat and its messages."""
    return await service.get_chat(chat_id)


@router.delete("/api/chat")
async def delete_chat(chat_id: Annotated[AnyId, Query(alias="id")], caller: CallerOf, service: ServiceOf) -> JsonObject:
    """`{}`, or from kai-assistant the row that is gone."""
    if caller.mode == "agent":
        await service.delete_chat(chat_id)
        return {}
    row = await _row(service, chat_id)
    await service.delete_chat(chat_id)
    return row


@router.get("/api/history")
async def history(
    service: ServiceOf,
    limit: int = 10,
    starting_after: str | None = None,
    ending_before: str | None = None,
) -> HistoryResponse:
    """A page of chats, newest first."""
    return await service.get_history(max(1, min(limit, _MOST)), starting_after, ending_before)


@router.get("/api/vote")
async def get_votes(
    chat_id: Annotated[AnyId, Query(alias="chatId")], hub: HubOf, caller: CallerOf, service: ServiceOf
) -> Json:
    """The votes, in one of the two shapes of protocol 8.2."""
    votes = await service.get_votes(chat_id)
    if (hub.style.votes or ("type" if caller.mode == "assistant" else "is-upvoted")) == "type":
        return [vote.model_dump(by_alias=True, mode="json", exclude_none=True) for vote in votes]
    return {"votes": [_upvoted(vote) for vote in votes]}


@router.patch("/api/vote")
async def vote(body: VoteBody, service: ServiceOf) -> PlainTextResponse:
    """Plain text, not JSON (protocol 8.2)."""
    await service.vote(body.chat_id, body.message_id, body.type)
    return PlainTextResponse("Message voted")


async def _row(service: ServiceOf, chat_id: str) -> JsonObject:
    try:
        detail = await service.get_chat(chat_id)
    except KaiNotFoundError:
        return {}  # what a missing chat means is for `delete_chat` to say
    return Chat.model_validate(detail.model_dump(exclude={"messages"})).model_dump(by_alias=True, mode="json")


def _upvoted(vote: Vote) -> JsonObject:
    return {"chatId": vote.chat_id, "messageId": vote.message_id, "isUpvoted": vote.type == "up"}
