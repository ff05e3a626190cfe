"""Kai's other methods as operations of the service, each under a subject of its own: `{subject}.{operation}`.

Their arguments and results are those of Kai's HTTP API, with its names.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, ClassVar, Final, TypeAlias

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from pydantic.alias_generators import to_camel

from kai_client.events import SSEEvent
from kai_client.server.bodies import AnyId, ApprovalBody, SettingsBody, SuggestionsBody, UserSettingsBody, VoteBody
from kai_client.server.faults import refusal
from kai_client.server.remote import conversation_of
from kai_client.server.service import KaiService, ToolReply
from kai_client.types import Json, JsonObject

from .requests import wire_error

__all__ = ["STREAMED", "TOOL_REPLIES", "call_operation", "open_operation"]

TOOL_REPLIES: Final = TypeAdapter(list[ToolReply])
"""Decisions about tool calls, as they travel between a gateway and the service."""

_MOST_CHATS: Final = 1000


class _Arguments(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(alias_generator=to_camel)


class _Nothing(_Arguments):
    pass


class _OfChat(_Arguments):
    chat_id: AnyId


class _ById(_Arguments):
    id: AnyId


class _Page(BaseModel):
    limit: int = 10
    starting_after: str | None = None
    ending_before: str | None = None


class _Approval(ApprovalBody):
    chat_id: AnyId


class _Replies(_Arguments):
    chat_id: AnyId
    replies: list[Json]


_Result: TypeAlias = BaseModel | list[Any] | None
_Call: TypeAlias = Callable[[KaiService, Any], Awaitable[_Result]]


async def _history(service: KaiService, page: _Page) -> _Result:
    limit = max(1, min(page.limit, _MOST_CHATS))
    return await service.get_history(limit, page.starting_after, page.ending_before)


async def _approve(service: KaiService, given: _Approval) -> _Result:
    return await service.submit_approval(
        given.chat_id,
        given.tool_use_id,
        given.approved,
        reason=given.reason,
        updated_input=given.updated_input,
        answers=given.answers,
    )


async def _update_settings(service: KaiService, given: SettingsBody) -> _Result:
    if not given.model_fields_set:
        return await service.get_settings()
    return await service.update_settings(custom_instructions=given.custom_instructions)


async def _update_user_settings(service: KaiService, given: UserSettingsBody) -> _Result:
    changes = {name: getattr(given, name) for name in given.model_fields_set}
    return await service.update_user_settings(**changes) if changes else await service.get_user_settings()


_CALLS: Final[Mapping[str, tuple[type[BaseModel], _Call]]] = {
    "ping": (_Nothing, lambda service, _: service.ping()),
    "info": (_Nothing, lambda service, _: service.info()),
    "get_chat": (_OfChat, lambda service, given: service.get_chat(given.chat_id)),
    "delete_chat": (_ById, lambda service, given: service.delete_chat(given.id)),
    "get_history": (_Page, _history),
    "get_votes": (_OfChat, lambda service, given: service.get_votes(given.chat_id)),
    "vote": (VoteBody, lambda service, given: service.vote(given.chat_id, given.message_id, given.type)),
    "get_usage": (_Nothing, lambda service, _: service.get_usage()),
    "get_settings": (_Nothing, lambda service, _: service.get_settings()),
    "update_settings": (SettingsBody, _update_settings),
    "get_user_settings": (_Nothing, lambda service, _: service.get_user_settings()),
    "update_user_settings": (UserSettingsBody, _update_user_settings),
    "get_tools": (_Nothing, lambda service, _: service.get_tools()),
    "get_suggestions": (SuggestionsBody, lambda service, given: service.get_suggestions(given.context, given.data)),
    "submit_approval": (_Approval, _approve),
}

STREAMED: Final = frozenset({"resume_stream", "send_tool_replies"})
"""The operations that are answered by a stream."""


async def call_operation(service: KaiService, name: str, arguments: JsonObject) -> Any:
    """The result as JSON. Raises `KaiNotFoundError` for a name that is none, `KaiBadRequestError` for wrong arguments."""
    if name not in _CALLS:
        raise refusal("not_found:api", f"There is no operation {name[:40]!r}.")
    model, call = _CALLS[name]
    return _json(await call(service, _checked(model, arguments)))


def open_operation(service: KaiService, name: str, arguments: JsonObject) -> AsyncIterator[SSEEvent]:
    """The events of one of the `STREAMED`. Raises `KaiBadRequestError` for wrong arguments."""
    if name == "resume_stream":
        return service.resume_stream(_checked(_OfChat, arguments).chat_id)
    given = _checked(_Replies, arguments)
    try:
        replies = TOOL_REPLIES.validate_python(given.replies)
    except ValidationError as error:
        raise wire_error(error) from None
    return conversation_of(service).send_tool_replies(given.chat_id, replies)


def _checked(model: type[Any], arguments: JsonObject) -> Any:
    try:
        return model.model_validate(arguments)
    except ValidationError as error:
        raise wire_error(error) from None


def _json(result: _Result) -> Any:
    if isinstance(result, list):
        return [_json(each) for each in result]
    return result.model_dump(mode="json", by_alias=True) if result is not None else None
