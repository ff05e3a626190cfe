"""What clients sent, told apart: messages, decisions about tool calls, votes."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, Literal, TypeVar

from pydantic import BaseModel, ValidationError

from kai_client._wire import decode_json
from kai_client.message.tools import name_of_tool
from kai_client.server import RecordedRequest
from kai_client.server.bodies import ApprovalBody, AssistantMessageBody, ChatBody, UserMessageBody, VoteBody
from kai_client.server.service import ToolReply
from kai_client.types import JsonObject

__all__ = ["SentDecision", "SentMessage", "SentVote", "calls_in", "decisions", "messages", "votes"]

_CHAT: Final = "/api/chat"
_APPROVAL: Final = "/approval"
_VOTE: Final = "/api/vote"
_DATA: Final = re.compile(r"^data: ?(.*toolCallId.*)", re.MULTILINE)

BodyT = TypeVar("BodyT", bound=BaseModel)


class _Short:
    """A `repr` with the fields that say something."""

    __slots__ = ()

    def __repr__(self) -> str:
        told: list[str] = []
        for each in fields(self):  # type: ignore[arg-type]  # all below are dataclasses
            value = getattr(self, each.name)
            default = each.default_factory() if each.default_factory is not MISSING else each.default
            if value != default:
                told.append(f"{each.name}={value!r}")
        return f"{type(self).__name__}({', '.join(told)})"


@dataclass(frozen=True, slots=True, repr=False)
class SentMessage(_Short):
    """A message of the user."""

    text: str
    chat_id: str
    id: str
    model: str = "chat-model"
    visibility: str = "private"
    branch_id: int | None = None
    hidden: bool = False
    request_path: str | None = None
    tool_restrictions: JsonObject | None = None
    parts: list[JsonObject] = field(default_factory=list[JsonObject])
    """What is not text: pictures."""


@dataclass(frozen=True, slots=True, repr=False)
class SentDecision(_Short):
    """What was decided about one tool call, whichever way the backend is told."""

    tool: str
    """Empty for a call that this server never sent."""
    approved: bool
    chat_id: str
    tool_call_id: str = ""
    reason: str | None = None
    updated_input: JsonObject | None = None
    answers: JsonObject | None = None


@dataclass(frozen=True, slots=True, repr=False)
class SentVote(_Short):
    """A vote about a message."""

    type: Literal["up", "down"]
    chat_id: str
    message_id: str


def calls_in(text: str) -> Iterator[tuple[str, str]]:
    """Id and tool of the calls that a stream tells."""
    for data in _DATA.findall(text):
        try:
            chunk = decode_json(data)
        except ValueError:
            continue
        match chunk:
            case {"toolCallId": str(call_id), "toolName": str(name)}:
                yield call_id, name
            case _:
                pass


def messages(requests: Iterable[RecordedRequest]) -> list[SentMessage]:
    """The user's messages, oldest first; those that were refused or sent again are among them."""
    return [
        _message(body, body.message)
        for body in _bodies(requests, "POST", _CHAT, ChatBody)
        if isinstance(body.message, UserMessageBody) and not body.message.replies()
    ]


def _message(body: ChatBody, message: UserMessageBody) -> SentMessage:
    meta = message.metadata
    limits = body.tool_restrictions
    return SentMessage(
        text=message.text,
        chat_id=body.id,
        id=message.id,
        model=body.selected_chat_model,
        visibility=body.selected_visibility_type,
        branch_id=body.branch_id,
        hidden=meta is not None and meta.hidden,
        request_path=meta.request_context.path if meta is not None and meta.request_context is not None else None,
        tool_restrictions=limits.model_dump(by_alias=True, exclude_none=True) if limits is not None else None,
        parts=[part.model_dump(by_alias=True, exclude_none=True) for part in message.parts if part.type != "text"],
    )


def decisions(requests: Iterable[RecordedRequest], names: Iterable[tuple[str, str]]) -> list[SentDecision]:
    """The decisions, oldest first, each once; `names` are the tools by call id."""
    found: dict[tuple[str, str], SentDecision] = {}
    tools = dict(names)
    for request in requests:
        for decision in _decisions(request, tools):
            # kai-assistant is sent the whole message again, with what was decided before.
            found.setdefault((decision.chat_id, decision.tool_call_id), decision)
    return list(found.values())


def _decisions(request: RecordedRequest, tools: dict[str, str]) -> Iterator[SentDecision]:
    for body in _bodies([request], "POST", _APPROVAL, ApprovalBody):
        yield SentDecision(
            tool=tools.get(body.tool_use_id, ""),
            approved=body.approved,
            chat_id=request.path.removesuffix(_APPROVAL).rpartition("/")[2],
            tool_call_id=body.tool_use_id,
            reason=body.reason,
            updated_input=body.updated_input,
            answers=body.answers,
        )
    for chat in _bodies([request], "POST", _CHAT, ChatBody):
        for reply in chat.message.replies():
            is_output = reply.decision.output is not None and isinstance(chat.message, AssistantMessageBody)
            if not is_output:  # the outputs of a message that is sent back are no decisions
                yield _decision(chat.id, reply, tools)


def _decision(chat_id: str, reply: ToolReply, tools: dict[str, str]) -> SentDecision:
    call_id = reply.tool_call_id or reply.approval_id or ""
    asked = reply.asked or {}
    return SentDecision(
        tool=reply.tool_name or name_of_tool(str(asked.get("type")), asked.get("toolName")) or tools.get(call_id, ""),
        approved=reply.decision.approved,
        chat_id=chat_id,
        tool_call_id=call_id,
        reason=reply.decision.reason,
    )


def votes(requests: Iterable[RecordedRequest]) -> list[SentVote]:
    """The votes, oldest first."""
    return [SentVote(each.type, each.chat_id, each.message_id) for each in _bodies(requests, "PATCH", _VOTE, VoteBody)]


def _bodies(requests: Iterable[RecordedRequest], method: str, end: str, kind: type[BodyT]) -> Iterator[BodyT]:
    """The bodies of requests to such a path; those that the API would refuse say nothing."""
    for request in requests:
        if request.method == method and request.path.endswith(end):
            try:
                body: Any = request.body
                yield kind.model_validate(body)
            except ValidationError:
                continue
