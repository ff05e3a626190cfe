"""One user's Kai on this machine: chats are kept, answers come from whatever the host opens."""

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final, cast
from uuid import uuid4

from kai_client.accumulator import Accumulator
from kai_client.events import (
    AbortEvent,
    DataEvent,
    ErrorEvent,
    FinishEvent,
    SSEEvent,
    ToolApprovalResponseEvent,
)
from kai_client.models import (
    ApprovalResponse,
    InfoResponse,
    PingResponse,
    SuggestionsResponse,
    ToolRestrictions,
    ToolsListResponse,
)
from kai_client.types import JsonObject

from .answer import Answer
from .approvals import Decision
from .broadcast import Broadcast
from .faults import refusal
from .records import PLACEHOLDER, Records
from .service import Caller, IncomingMessage, ToolReply
from .streams import closing
from .tool_calls import RunningCall

if TYPE_CHECKING:
    from .host import LocalHost

__all__ = ["OpenAnswer", "Session"]

_STARTED: Final = time.monotonic()
_TITLE_LENGTH: Final = 80


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """An answer and what it amounts to so far; it outlives a stream that was suspended for an approval."""

    chat_id: str
    answer: Answer
    title: str = ""
    """What the chat is called if the answer does not say."""
    id: str = field(default_factory=lambda: str(uuid4()))
    """The id under which an answer without one of its own is kept."""
    message: Accumulator = field(default_factory=Accumulator)


class Session(Records):
    """A `KaiService` and a `Conversation` for one caller. Cheap: all state is the host's."""

    def __init__(self, host: "LocalHost", caller: Caller) -> None:
        super().__init__(host.store, caller.user_id, cursor=host.cursor, quota=host.quota)
        self._host = host
        self._caller = caller

    async def ping(self) -> PingResponse:
        """This machine's clock."""
        return PingResponse(timestamp=datetime.now(UTC))

    async def info(self) -> InfoResponse:
        """What runs here."""
        return InfoResponse(
            timestamp=datetime.now(UTC),
            uptime=time.monotonic() - _STARTED,
            app_name="kai-local",
            app_version="1.0.0",
            server_version="1.0.0",
            connected_mcp=[{"name": "sample-project", "status": "connected"}],
        )

    async def get_tools(self) -> ToolsListResponse:
        """The host's catalogue."""
        return ToolsListResponse(tools=list(self._host.tools()))

    async def get_suggestions(self, context: str, data: dict[str, Any]) -> SuggestionsResponse:
        """The host's."""
        return self._host.suggestions(context, data)

    def send_message(self, chat_id: str, text: str, **options: Any) -> AsyncIterator[SSEEvent]:
        """The answer to a text."""
        parts: list[JsonObject] = [{"type": "text", "text": text}]
        return self.send_user_message(
            IncomingMessage(chat_id=chat_id, text=text, id=str(uuid4()), parts=parts, options=options)
        )

    async def send_user_message(self, message: IncomingMessage) -> AsyncIterator[SSEEvent]:
        """The answer; the message is kept before it begins, the answer as it ends."""
        restrictions = self._accept(message)
        history = self.store.messages(message.chat_id)[:-1]
        self._host.suspended.pop(message.chat_id, None)  # who writes something new has dropped the question
        answer = self._host.open(self._caller, message, history, restrictions)
        opened = OpenAnswer(message.chat_id, answer, title=" ".join(message.text.split())[:_TITLE_LENGTH])
        async with closing(self._streamed(opened, {})) as events:
            async for event in events:
                yield event

    async def send_tool_replies(self, chat_id: str, replies: Sequence[ToolReply]) -> AsyncIterator[SSEEvent]:
        """The rest of the answer that waits in this chat; what fits no waiting call is ignored, if something fits."""
        if self.own(chat_id) is None:
            raise refusal("not_found:chat", "There is no such chat.")
        opened = self._host.suspended.get(chat_id)
        decisions = _by_call(opened, replies)
        if opened is None or not decisions:
            raise refusal("bad_request:api", "No tool call of this chat waits for this answer.")
        del self._host.suspended[chat_id]
        for call in opened.answer.waiting:
            if (decision := decisions.get(call.id)) is not None:
                opened.message.apply(_response(call.approval_id, decision))
        async with closing(self._streamed(opened, decisions)) as events:
            async for event in events:
                yield event

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
        """The open stream goes on; `not_found` where nothing waits, or does not any more (protocol 2.5)."""
        decision = Decision(approved, reason, updated_input, answers)
        return await self._host.decide(self._caller, chat_id, tool_use_id, decision)

    async def resume_stream(self, chat_id: str) -> AsyncIterator[SSEEvent]:
        """The answer that is being written in this chat; nothing where none is."""
        self.readable(chat_id)
        running = self._host.running.get(chat_id)
        if running is not None:
            async with closing(running.read()) as events:
                async for event in events:
                    yield event

    async def delete_chat(self, chat_id: str) -> None:
        """The chat is gone, and so is the answer that is being written in it."""
        await super().delete_chat(chat_id)
        self._host.suspended.pop(chat_id, None)
        if (running := self._host.running.pop(chat_id, None)) is not None:
            await running.cancel()

    def _streamed(self, opened: OpenAnswer, decisions: Mapping[str, Decision]) -> AsyncIterator[SSEEvent]:
        """kai-assistant goes on writing when its reader leaves (protocol 7.2); kai-agent stops."""
        events = self._kept(opened, decisions)
        if self._caller.mode == "agent":
            return events
        running = self._host.running
        running[opened.chat_id] = broadcast = Broadcast(events, partial(_forget, running, opened.chat_id))
        return broadcast.read()

    def _accept(self, message: IncomingMessage) -> JsonObject:
        """Check, count and keep a user message; returns the tool restrictions of its chat."""
        row = self.own(message.chat_id)
        self.spend_message()
        if row is None:
            given = message.options.get("tool_restrictions")
            wire = (
                ToolRestrictions.model_validate(given).model_dump(by_alias=True, exclude_none=True) if given else None
            )
            visibility = str(message.options.get("visibility", "private"))
            row = self.store.add_chat(message.chat_id, self.user_id, PLACEHOLDER, visibility, wire)
        self.store.put_message(message.chat_id, message.id, "user", message.parts, message.metadata)
        return self.store.restrictions(row)

    async def _kept(self, opened: OpenAnswer, decisions: Mapping[str, Decision]) -> AsyncIterator[SSEEvent]:
        """The events, folded and kept. What ends an answer goes out after it was kept: a client may ask at once."""
        try:
            async with closing(opened.answer.events(decisions)) as events:
                async for event in events:
                    opened.message.apply(event)
                    match event:
                        case FinishEvent() | ErrorEvent() | AbortEvent():
                            self._keep(opened)
                        case DataEvent(type="data-chat-title", data=str(title)):
                            self.store.set_title(opened.chat_id, title)
                        case _:
                            pass
                    yield event
        finally:
            self._keep(opened)

    def _keep(self, opened: OpenAnswer) -> None:
        row = self.store.chat(opened.chat_id)
        if row is None:
            return  # deleted while the answer was written
        if row["title"] == PLACEHOLDER and opened.title:
            self.store.set_title(opened.chat_id, opened.title)
        message = opened.message.message
        wire = message.to_dict()
        if parts := cast("list[JsonObject]", wire["parts"]):
            self.store.put_message(opened.chat_id, message.id or opened.id, "assistant", parts, wire.get("metadata"))
        if opened.answer.waiting:
            self._host.suspended[opened.chat_id] = opened


def _forget(running: dict[str, Broadcast], chat_id: str, broadcast: Broadcast) -> None:
    if running.get(chat_id) is broadcast:  # a newer answer may have taken its place
        del running[chat_id]


def _response(approval_id: str, decision: Decision) -> ToolApprovalResponseEvent:
    reason = {} if decision.reason is None else {"reason": decision.reason}
    return ToolApprovalResponseEvent.from_chunk({"approvalId": approval_id, "approved": decision.approved, **reason})


def _by_call(opened: OpenAnswer | None, replies: Sequence[ToolReply]) -> dict[str, Decision]:
    """The decisions by call id. What answers no waiting call is dropped: a re-post repeats older ones (protocol 2.4)."""
    found: dict[str, Decision] = {}
    for call in opened.answer.waiting if opened is not None else ():
        for reply in replies:
            if _answers(reply, call):
                found[call.id] = reply.decision
    return found


def _answers(reply: ToolReply, call: RunningCall) -> bool:
    """Whether the reply is about this call. Only a tool of the client's own side takes its output from the client."""
    if reply.decision.output is not None and not call.call.client_side:
        return False
    return reply.approval_id == call.approval_id if reply.approval_id is not None else reply.tool_call_id == call.id
