# Made of kai_client/approvals/run.py by scripts/generate_sync.py: change that, and run this.
"""A run: an answer that is carried on through every approval, whichever backend gives it (protocol 2.4, 2.5).

kai-agent leaves its stream open and silent while a call waits: the decision is posted beside it. kai-assistant ends its
stream: the assistant's message is sent back with every request of the step answered, and the answer goes on in a new stream.
The oldest backends end it without a request and take a tool result. Nothing is asked twice, nothing is sent twice, and what
no policy has approved is never sent as approved.
"""

from typing import Final

from kai_client.accumulator import Accumulator
from kai_client.approvals.ledger import Ledger
from kai_client.approvals.waiting import WaitingCall, waiting_calls
from kai_client.events import (
    FinishStepEvent,
    SSEEvent,
    StepStartEvent,
    TextStartEvent,
    ToolApprovalResponseEvent,
    ToolCallEvent,
    ToolInputErrorEvent,
    ToolOutputDeniedEvent,
    ToolOutputErrorEvent,
)
from kai_client.events.tools import CALL_STATES
from kai_client.exceptions import KaiError, KaiNotFoundError
from kai_client.message import UIMessage
from kai_client.sync.approvals.beside import Beside, Listening
from kai_client.sync.approvals.ports import RunPlan, Steps
from kai_client.sync.approvals.step import Step
from kai_client.sync.stream import Opening

__all__ = ["ToolRun"]

_STEP_ENDS: Final = (FinishStepEvent, StepStartEvent, TextStartEvent)
"""What shows that the answer has moved on: a denial on kai-agent may show as nothing else (protocol 2.5)."""

_CONCERN: Final = (*CALL_STATES, *_STEP_ENDS)


class ToolRun:
    """The `Continuation` of one run."""

    def __init__(self, plan: RunPlan, *, max_steps: int) -> None:
        self._plan = plan
        self._ledger = Ledger()
        self._steps = Steps(max_steps)
        self._beside = Beside(plan, self._ledger, self._steps)
        self._told: list[SSEEvent] = []
        self._answered_silently: set[str] = set()
        """Calls of the oldest backends, which need not say anything more of a call that was answered."""

    def waits(self, answer: Accumulator) -> bool:
        """See `Continuation`."""
        return bool(self._ended_for(answer.message))

    def repeats(self, event: SSEEvent) -> bool:
        """See `Continuation`. Some backends tell the client's own results and decisions back."""
        match event:
            case ToolCallEvent(state="output-available") | ToolOutputErrorEvent() | ToolApprovalResponseEvent():
                return event in self._told
            case _:
                return False

    def concerns(self, event: SSEEvent) -> bool:
        """See `Continuation`."""
        return isinstance(event, _CONCERN)

    def heard(self, event: SSEEvent, answer: Accumulator) -> bool:
        """See `Continuation`."""
        if isinstance(event, _STEP_ENDS):
            self._steps.end()
            return True
        if isinstance(event, ToolCallEvent) and event.state == "input-available":
            self._answered_silently.discard(event.tool_call_id)
        if isinstance(event, ToolOutputErrorEvent | ToolOutputDeniedEvent | ToolInputErrorEvent) or (
            isinstance(event, ToolCallEvent) and event.state == "output-available"
        ):
            self._ledger.settle(event.tool_call_id)
            self._steps.end()
        return self._beside.heard(event, answer)

    def go_on(self, answer: Accumulator) -> Opening | None:
        """See `Continuation`."""
        message = answer.message
        calls = self._ended_for(message)
        return self._answered(Step(self._plan, self._ledger, calls, message)) if calls else None

    def resume(self) -> Opening:
        """How an answer goes on whose stream ended, some time ago, with calls that wait.

        Raises `KaiError` with the code `approval:no_stream` for kai-agent, and `KaiNotFoundError` with
        `approval:none_waiting` where nothing waits.
        """
        if self._beside.listening is Listening.AGENT:
            raise _no_stream()
        messages = (self._plan.client.get_chat(self._plan.chat_id)).messages
        message = messages[-1] if messages and messages[-1].role == "assistant" else None
        calls = self._for_this_side(message) if message is not None else []
        if message is None or not calls:
            raise KaiNotFoundError("No tool call of this chat waits for a decision", "approval:none_waiting")
        bare = [call for call in calls if call.approval_id is None and not self._plan.runs_here(call.tool_name)]
        if bare and self._beside.listening is Listening.UNKNOWN and self._beside.listens():
            raise _no_stream()
        opening = self._answered(Step(self._plan, self._ledger, calls, message))
        return opening or Opening(None, message)

    def _answered(self, step: Step) -> Opening | None:
        if not step.is_decided:
            self._steps.begin()
        opening = step.answered()
        self._steps.end()
        if opening is not None:
            self._told += opening.events
            self._answered_silently |= step.answered_silently
        return opening

    def _ended_for(self, message: UIMessage) -> list[WaitingCall]:
        """The calls for which a stream that has ended waits. An agent's calls were decided while it was open."""
        match self._beside.listening:
            case Listening.AGENT:
                return []
            case Listening.OPEN:
                return [call for call in self._for_this_side(message) if self._waits_at_end(call)]
            case _:
                return self._for_this_side(message)

    def _for_this_side(self, message: UIMessage) -> list[WaitingCall]:
        """What was approved waits for this side only if the tool is of this side; else the backend will run it."""
        calls = [call for call in waiting_calls(message) if call.tool_call_id not in self._answered_silently]
        return [call for call in calls if not call.approved or self._plan.runs_here(call.tool_name)]

    def _waits_at_end(self, call: WaitingCall) -> bool:
        """Where decisions seem to be taken while the stream is open, and this one was over."""
        entry = self._ledger.find(call.tool_call_id)
        unsent = entry is not None and not entry.sent
        return unsent or call.approval_id is not None or self._plan.runs_here(call.tool_name)


def _no_stream() -> KaiError:
    return KaiError(
        "kai-agent takes decisions while its stream is open: decide in the run that sent the message, or send the decision "
        "with submit_approval",
        "approval:no_stream",
    )
