"""One message and all that follows from it: the answer, the approvals it waits for, and the answers after those."""

from typing import Final

from kai_client import (
    ChatStream,
    KaiBackend,
    KaiClient,
    KaiError,
    KaiNotFoundError,
    SSEEvent,
    SSEStreamParser,
    ToolApprovalRequestEvent,
    ToolCallEvent,
    ToolInputErrorEvent,
    ToolOutputDeniedEvent,
    ToolOutputErrorEvent,
)

from .catalogue import ToolCatalogue
from .decisions import Decisions
from .exit_codes import Failure
from .render import Renderer

__all__ = ["Conversation"]

_NO_SUCH_METHOD: Final = 405
_ABOUT_A_CALL: Final = (
    ToolCallEvent,
    ToolInputErrorEvent,
    ToolApprovalRequestEvent,
    ToolOutputErrorEvent,
    ToolOutputDeniedEvent,
)


class Conversation:
    """A chat under one id."""

    def __init__(self, client: KaiClient, chat_id: str) -> None:
        self.chat_id = chat_id
        self._client = client
        self._catalogue = ToolCatalogue(client)

    async def send(self, text: str, renderer: Renderer, decisions: Decisions) -> None:
        """The answer to `text`, shown as it comes. Raises `KaiError` or `Failure` for one that is not whole."""
        turn = _Turn(self._client, self.chat_id, self._catalogue, renderer, decisions)
        try:
            await turn.play(self._client.send_message(self.chat_id, text))
            while (call := turn.next_waiting()) is not None:
                await turn.play(turn.go_on(call))
        finally:
            renderer.end()


class _Turn:
    """The streams of one answer.

    kai-agent keeps its stream open until a decision is sent (protocol 2.5), kai-assistant ends it and goes on in a new one
    (2.4). Which of the two a `--base-url` leads to is not known: a call is then decided when it comes and the decision is
    offered at once, and if the stream ends and asks for it, it is given again.
    """

    def __init__(
        self, client: KaiClient, chat_id: str, catalogue: ToolCatalogue, renderer: Renderer, decisions: Decisions
    ) -> None:
        self._client = client
        self._chat_id = chat_id
        self._catalogue = catalogue
        self._renderer = renderer
        self._decisions = decisions
        self._answer = SSEStreamParser()
        self._waiting: list[str] = []
        self._answered: set[str] = set()

    async def play(self, stream: ChatStream) -> None:
        """Show a stream to its end. Raises for one that ended badly."""
        async with stream:
            async for event in stream:
                self._answer.process_event(event)
                call = self._answer.tool_calls.get(event.tool_call_id) if isinstance(event, _ABOUT_A_CALL) else None
                self._renderer.show(event, call)
                if call is not None and self._client.backend != KaiBackend.ASSISTANT:
                    await self._decide_now(event, call)
            await stream.get_final_text()
        self._waiting += [call.tool_call_id for call in stream.tool_calls.values() if self._waits(call)]

    def next_waiting(self) -> ToolCallEvent | None:
        """A call for which the last stream ended, None when there is none left. Each comes once, however often asked for."""
        while self._waiting:
            call_id = self._waiting.pop(0)
            if call_id not in self._answered:
                self._answered.add(call_id)
                return self._answer.tool_calls[call_id]
        return None

    def go_on(self, call: ToolCallEvent) -> ChatStream:
        """The stream that answers the decision about `call`."""
        approved = self._decisions.make(call)
        if not approved:
            self._decisions.note_refusal(call)
        if call.approval is not None:
            return self._client.send_tool_approval_response(self._chat_id, call.approval.id, approved)
        answer = self._client.confirm_tool if approved else self._client.deny_tool
        return answer(self._chat_id, call.tool_call_id, call.tool_name or "")

    async def _decide_now(self, event: SSEEvent, call: ToolCallEvent) -> None:
        """While the stream is open, which is when kai-agent listens."""
        if self._decisions.is_made(call):
            return
        match event:
            case ToolApprovalRequestEvent() if not event.is_automatic:
                await self._submit(call)
            case ToolCallEvent(state="input-available") if await self._catalogue.may_wait(call.tool_name or ""):
                await self._submit(call)
            case _:
                pass

    async def _submit(self, call: ToolCallEvent) -> None:
        approved = self._decisions.make(call)
        try:
            taken = await self._client.submit_approval(self._chat_id, call.tool_call_id, approved)
        except KaiError as error:
            if not isinstance(error, KaiNotFoundError) and error.status_code != _NO_SUCH_METHOD:
                raise
            # Nothing waits: the tool ran by itself, or this is a kai-assistant, which has no such route.
            if self._client.backend == KaiBackend.AGENT:
                self._decisions.note_needless(call)
            return
        if not taken.success:
            raise Failure(f"The backend did not take the decision about {call.tool_name}; ask again")
        if not approved:
            self._decisions.note_refusal(call)

    def _waits(self, call: ToolCallEvent) -> bool:
        """After the end of a stream: this is how kai-assistant asks, the oldest without a request (protocol 2.4)."""
        match self._client.backend:
            case KaiBackend.AGENT:
                return False
            case KaiBackend.ASSISTANT:
                return call.state in {"approval-requested", "input-available"}
            case _:
                return call.state == "approval-requested"
