# Made of kai_client/approvals/beside.py by scripts/generate_sync.py: change that, and run this.
"""Decisions posted beside an open stream, as kai-agent takes them (protocol 2.5)."""

from collections.abc import Generator
from contextlib import contextmanager
from enum import Enum, auto
from typing import Final

from kai_client.accumulator import Accumulator
from kai_client.approvals.decisions import Approval, Decision, reason_of
from kai_client.approvals.ledger import Ledger, decided_twice
from kai_client.approvals.waiting import WaitingCall, waiting_calls
from kai_client.events import SSEEvent, ToolApprovalRequestEvent, ToolCallEvent
from kai_client.exceptions import KaiConfigError, KaiError
from kai_client.sync.approvals.catalogue import ToolCatalogue, is_absent, is_crowded
from kai_client.sync.approvals.ports import RunPlan, Steps
from kai_client.types import KaiBackend

__all__ = ["Beside", "Listening"]

_CROWDED: Final = "The decision needs a second connection beside the open stream: allow the HTTP client at least two"


@contextmanager
def _another_connection() -> Generator[None]:
    """Says of a pool without a free connection that it is too small, not that Kai is slow."""
    try:
        yield
    except KaiError as error:
        if is_crowded(error):
            raise KaiConfigError(_CROWDED, "approval:one_connection") from error
        raise


class Listening(Enum):
    """When a backend takes decisions."""

    UNKNOWN = auto()
    OPEN = auto()
    """While the stream is open, it seems: nobody has said that this is kai-agent."""
    AGENT = auto()
    ENDED = auto()
    """After the stream has ended."""


class Beside:
    """Decides about calls while the stream that they came with stays open."""

    def __init__(self, plan: RunPlan, ledger: Ledger, steps: Steps) -> None:
        self._plan = plan
        self._ledger = ledger
        self._steps = steps
        self._catalogue = ToolCatalogue(plan.client)
        known = {KaiBackend.AGENT.value: Listening.AGENT, KaiBackend.ASSISTANT.value: Listening.ENDED}
        self.listening: Listening = known.get(plan.backend or "", Listening.UNKNOWN)

    def heard(self, event: SSEEvent, answer: Accumulator) -> bool:
        """Decide, if the event is of a call that waits; False where the policy leaves it pending."""
        if self.listening is Listening.ENDED or not isinstance(event, ToolCallEvent | ToolApprovalRequestEvent):
            return True
        if isinstance(event, ToolCallEvent) and event.state != "input-available":
            return True
        if self._plan.one_connection:
            raise KaiConfigError(_CROWDED, "approval:one_connection")
        name = None if isinstance(event, ToolApprovalRequestEvent) else event.tool_name
        with _another_connection():
            if not self.listens() or (name and not self._may_wait(name)):
                return True
        waiting = [call for call in waiting_calls(answer.message) if not call.approved]
        found = [call for call in waiting if call.tool_call_id == event.tool_call_id]
        return not found or self._consider(found[-1], answer)

    def _may_wait(self, name: str) -> bool:
        """Whether a call may wait for a decision now: one for a tool of this side, which no catalogue has, waits for the end."""
        known = self.listening is Listening.AGENT or self._catalogue.read_only(name) is not None
        if not known and self._plan.runs_here(name):
            return False
        return self._catalogue.may_wait(name)

    def listens(self) -> bool:
        """Whether decisions are taken while a stream is open. Only kai-agent has a catalogue of tools: so it shows (2.1)."""
        if self.listening is Listening.UNKNOWN:
            self.listening = Listening.OPEN if self._catalogue.is_offered() else Listening.ENDED
        return self.listening is not Listening.ENDED

    def _consider(self, call: WaitingCall, answer: Accumulator) -> bool:
        if (entry := self._ledger.find(call.tool_call_id)) is not None:
            if entry.settled:
                raise decided_twice(call.tool_call_id)
            if not entry.sent and entry.is_about(call):  # it waited for nobody before, and does now
                entry.sent = self._post(call, entry.decision)
            return True  # asked again before the decision took effect, or told the changed input
        self._steps.begin()
        with _another_connection():
            read_only = self._catalogue.read_only(call.tool_name)
        asked = call.to_call(self._plan.chat_id, answer.message, read_only=read_only)
        verdict = self._plan.judge.decide(asked)
        if verdict.decision is None:
            return False
        entry = self._ledger.record(call, verdict.decision)
        try:
            entry.sent = self._post(call, verdict.decision)
        except KaiError as error:
            if verdict.failure is not None:
                raise verdict.failure from error
            raise
        if verdict.failure is not None:
            raise verdict.failure
        return True

    def _post(self, call: WaitingCall, decision: Decision) -> bool:
        """Whether the backend took the decision; False where nothing waited for it, which is harmless."""
        approval = decision if isinstance(decision, Approval) else Approval()
        approved = isinstance(decision, Approval)
        try:
            with _another_connection():
                taken = self._plan.client.submit_approval(
                    self._plan.chat_id,
                    call.tool_call_id,
                    approved,
                    reason=reason_of(decision),
                    updated_input=None if approval.updated_input is None else dict(approval.updated_input),
                    answers=None if approval.answers is None else dict(approval.answers),
                )
        except KaiError as error:
            if is_absent(error):
                return False
            raise
        except ValueError as error:
            raise KaiError(
                "The call has an id that cannot be sent back; nothing was sent", "approval:bad_id"
            ) from error
        if not taken.success or taken.approved is not approved or taken.tool_use_id != call.tool_call_id:
            raise KaiError(f"The backend did not take the decision about {call.tool_name!r}", "approval:not_taken")
        return True
