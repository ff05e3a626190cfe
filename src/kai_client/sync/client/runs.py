# Made of kai_client/client/runs.py by scripts/generate_sync.py: change that, and run this.
"""`run`: one answer, carried on through everything it waits for; and the decision that a web backend posts by itself."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import JsonValue

from kai_client.client.requests import chat_request, post, user_message
from kai_client.message import UIMessage
from kai_client.models import (
    ApprovalResponse,
    AssistantMessageRequest,
    MessageRequest,
    ToolRestrictions,
)
from kai_client.sync.approvals import Judge, LocalTools, Policy, RunPlan, ToolRun, deny_all
from kai_client.sync.client.chats import ChatMethods
from kai_client.sync.client.project import ProjectMethods
from kai_client.sync.stream import ChatStream, Opening
from kai_client.sync.transport import StreamRequest, Timeouts, TimeoutTypes, checked_id, path_segment
from kai_client.types import NOT_GIVEN, ChatModel, NotGiven, VisibilityType


class RunMethods(ChatMethods, ProjectMethods):
    """Answers that may ask for decisions (protocol 2.4, 2.5)."""

    def run(
        self,
        chat_id: str,
        text: str | None = None,
        *,
        approve: Policy = deny_all,
        tools: LocalTools | None = None,
        max_steps: int = 50,
        total: float | None = None,
        visibility: str | VisibilityType = VisibilityType.PRIVATE,
        branch_id: int | None = None,
        hidden: bool = False,
        request_path: str | None = None,
        model: str | ChatModel = ChatModel.CHAT,
        tool_restrictions: ToolRestrictions | Mapping[str, Any] | None = None,
        timeout: TimeoutTypes | NotGiven = NOT_GIVEN,
        recover: bool = False,
    ) -> ChatStream:
        """The stream of the answer to `text`, carried on through every tool approval until the answer is over.

        `approve` decides about each call that waits, once; what the backend runs by itself it is not asked about. You see one
        sequence of events and one growing message, whichever backend answers. A policy that returns None leaves its call
        pending and the stream ends; without `text` a run goes on with such an answer of kai-assistant. `tools` has policies
        for single tools, and functions of your own for backends that take results from a client. `max_steps` bounds the
        steps in which calls wait, `total` the seconds of everything; the rest is as in `send_message`. What a policy raises
        denies its call and is raised; the codes of the other errors are in docs/approvals.md.
        """
        asked = _Asked(checked_id(chat_id, "chat_id"), visibility, branch_id, model)
        continuation = self._tool_run(asked, approve, tools, max_steps)
        prepare: Callable[[], Opening] = continuation.resume
        if text is not None:
            message = user_message(self.new_message_id(), text, hidden=hidden, request_path=request_path)
            prepare = _prepared(Opening(asked.post(message, tool_restrictions)))
        timeouts = self._bounded(timeout, total)
        return self._stream(prepare, chat_id, timeouts, recover=recover, continuation=continuation)

    def _tool_run(self, asked: "_Asked", approve: Policy, tools: LocalTools | None, max_steps: int) -> ToolRun:
        plan = RunPlan(
            chat_id=asked.chat_id,
            backend=self.backend,
            client=self,
            repost=lambda message: asked.post(_assistant_message(message)),
            reply=lambda parts: asked.post(MessageRequest(id=self.new_message_id(), parts=list(parts))),
            one_connection=self._transport.connections.only_one,
            judge=Judge(approve, tools),
            tools=tools,
        )
        return ToolRun(plan, max_steps=max_steps)

    def _bounded(self, timeout: TimeoutTypes | NotGiven, total: float | None) -> TimeoutTypes | NotGiven:
        if total is None:
            return timeout
        given = self._transport.stream_timeouts if timeout is NOT_GIVEN else Timeouts.of(timeout, "timeout")
        return replace(given, total=total)

    def submit_approval(
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

        For decisions that are made elsewhere than where the stream is read; who reads it uses `run`. `tool_use_id` is the
        `tool_call_id` of the event. `updated_input` replaces the input of an approved call. Raises `KaiNotFoundError` for a
        call that waits for nobody, which is harmless (protocol 2.5).
        """
        if not isinstance(approved, bool):  # pyright: ignore[reportUnnecessaryIsInstance] - a string never approves
            raise TypeError(f"approved must be True or False, not {type(approved).__name__}")
        given = {"reason": reason, "updatedInput": updated_input, "answers": answers}
        body: dict[str, JsonValue] = {"toolUseId": checked_id(tool_use_id, "tool_use_id"), "approved": approved}
        body |= {key: value for key, value in given.items() if value is not None}
        path = f"/api/chat/{path_segment(chat_id, 'chat_id')}/approval"
        return self._read(ApprovalResponse, self._transport.request("POST", path, json=body))


@dataclass(frozen=True, slots=True)
class _Asked:
    """What every message of a run says of its chat."""

    chat_id: str
    visibility: str
    branch_id: int | None
    model: str

    def post(
        self,
        message: MessageRequest | AssistantMessageRequest,
        tool_restrictions: ToolRestrictions | Mapping[str, Any] | None = None,
    ) -> StreamRequest:
        body = chat_request(self.chat_id, message, self.visibility, self.branch_id, self.model, tool_restrictions)
        return post(body)


def _prepared(opening: Opening) -> Callable[[], Opening]:
    def prepare() -> Opening:
        return opening

    return prepare


def _assistant_message(message: UIMessage) -> AssistantMessageRequest:
    return AssistantMessageRequest(id=message.id, parts=[dict(part) for part in message.parts])
