"""The calls for which a stream ended, answered together in one request, as kai-assistant takes them (protocol 2.4)."""

from collections.abc import Mapping, Sequence
from typing import Final

from kai_client._wire import is_object
from kai_client.events import SSEEvent, ToolApprovalResponseEvent, ToolOutputAvailableEvent, ToolOutputErrorEvent
from kai_client.exceptions import KaiError
from kai_client.message import UIMessage
from kai_client.stream import Opening

from .answers import answered_message, oldest_answer, response
from .catalogue import is_absent
from .decisions import Approval, Decision, Denial
from .ledger import Ledger, decided_twice, same_json
from .ports import RunPlan
from .results import LocalResult
from .verdict import Verdict
from .waiting import WaitingCall, waiting_calls

__all__ = ["Step"]

_NOT_ASKED: Final = "Another decision of this step failed."
_NO_SUCH_TOOL: Final = "This client has no tool of this name."


class Step:
    """Decides about the calls of one step, runs those of this side's own tools, and makes the request that says so."""

    def __init__(self, plan: RunPlan, ledger: Ledger, calls: Sequence[WaitingCall], message: UIMessage) -> None:
        self._plan = plan
        self._ledger = ledger
        self._message = message
        self._failure: Exception | None = None
        tools = plan.tools
        bare = [call for call in calls if call.approval_id is None]
        self._requests = [call for call in calls if call.approval_id is not None]
        self._local = [call for call in bare if tools is not None and tools.runs(call.tool_name)]
        self._others = [call for call in bare if call not in self._local]
        self.results: dict[str, LocalResult] = {}
        self.answered_silently: set[str] = set()
        """The calls that were answered in the oldest way."""

    @property
    def is_decided(self) -> bool:
        """Whether all of it was decided about while the stream was open."""
        return all(self._ledger.find(call.tool_call_id) for call in (*self._requests, *self._local, *self._others))

    async def answered(self) -> Opening | None:
        """How the answer goes on; None where the policy left a call pending: then nothing is sent about any."""
        if not self._requests and not self._local:
            return await self._oldest()
        decisions = await self._decisions(self._requests)
        if decisions is None:
            return None
        for call in (*self._others, *self._local):
            self._ledger.record(call, Approval()).sent = True
            self.results[call.tool_call_id] = await self._run(call)
        for call in self._requests:  # a tool of this side that was asked for first
            if isinstance(decisions[call.tool_call_id], Approval) and self._plan.runs_here(call.tool_name):
                self.results[call.tool_call_id] = await self._run(call)
        by_approval = {call.approval_id or "": decisions[call.tool_call_id] for call in self._requests}
        message = await self._stored()
        _require_distinct(message, by_approval, self.results)
        answered = answered_message(message, approvals=by_approval, results=self.results)
        self._mark_sent(self._requests)
        return Opening(self._plan.repost(answered), self._message, self._events(by_approval), self._failure)

    async def _oldest(self) -> Opening | None:
        """Neither requests nor tools of this side: the oldest backends ask by ending the stream."""
        decisions = await self._decisions(self._others)
        if decisions is None:
            return None
        self._mark_sent(self._others)
        self.answered_silently = {call.tool_call_id for call in self._others}
        parts = [
            oldest_answer(call.tool_call_id, call.tool_name, decisions[call.tool_call_id]) for call in self._others
        ]
        return Opening(self._plan.reply(parts), self._message, (), self._failure)

    async def _decisions(self, calls: Sequence[WaitingCall]) -> dict[str, Decision] | None:
        """A decision for each call; None where one was left pending. After a failure the rest is denied unasked."""
        made: dict[str, Decision] = {}
        for call in calls:
            verdict = await self._decision(call)
            self._failure = self._failure or verdict.failure
            if verdict.decision is not None:
                made[call.tool_call_id] = verdict.decision
        if len(made) == len(calls):
            return made
        if self._failure is not None:
            raise self._failure
        return None

    async def _decision(self, call: WaitingCall) -> Verdict:
        if (entry := self._ledger.find(call.tool_call_id)) is not None:
            if entry.sent or entry.settled:
                raise decided_twice(call.tool_call_id)
            if not entry.is_about(call):
                raise _changed(call)
            return _supported(call, Verdict(entry.decision))  # made while the stream was open, when nobody took it
        if self._failure is not None:
            return Verdict(Denial(reason=_NOT_ASKED))
        verdict = _supported(call, await self._plan.judge.decide(call.to_call(self._plan.chat_id, self._message)))
        if verdict.decision is not None:
            self._ledger.record(call, verdict.decision)
        return verdict

    async def _run(self, call: WaitingCall) -> LocalResult:
        """The result of a call, once: a backend that did not take it is refused when it asks for it again."""
        if call in self._others or self._plan.tools is None:
            return LocalResult(error=_NO_SUCH_TOOL)
        if self._failure is not None:
            return LocalResult(error=_NOT_ASKED)
        return await self._plan.tools.answer(call.to_call(self._plan.chat_id, self._message))

    async def _stored(self) -> UIMessage:
        """The message as the backend keeps it, which is what it expects back; where it keeps none, as it was received.

        Raises `KaiError` with the code `approval:changed` where it asks for something else than what was decided.
        """
        try:
            messages = (await self._plan.client.get_chat(self._plan.chat_id)).messages
        except KaiError as error:
            if is_absent(error) and error.code != "not_found:chat":
                return self._message
            raise
        if not messages or messages[-1].role != "assistant":
            return self._message  # it is not stored yet, or never
        kept = waiting_calls(messages[-1])
        for call in (*self._requests, *self._local):
            there = [each for each in kept if each.tool_call_id == call.tool_call_id]
            if len(there) != 1 or not _same(there[0], call):
                raise _changed(call)
        return messages[-1]

    def _events(self, decisions: Mapping[str, Decision]) -> list[SSEEvent]:
        """What the message says now, as the events that say it."""
        events: list[SSEEvent] = []
        for approval_id, decision in decisions.items():
            said = {"approvalId": approval_id, **response(decision)}
            events.append(ToolApprovalResponseEvent.from_chunk(said))
        for call_id, result in self.results.items():
            if result.error is not None:
                events.append(ToolOutputErrorEvent.from_chunk({"toolCallId": call_id, "errorText": result.error}))
            else:
                events.append(ToolOutputAvailableEvent.from_chunk({"toolCallId": call_id, "output": result.output}))
        return events

    def _mark_sent(self, calls: Sequence[WaitingCall]) -> None:
        for call in calls:
            if (entry := self._ledger.find(call.tool_call_id)) is not None:
                entry.sent = True


def _same(there: WaitingCall, call: WaitingCall) -> bool:
    """Whether the stored call is the one that was decided about."""
    names = (there.tool_name, there.approval_id, there.approved) == (call.tool_name, call.approval_id, call.approved)
    return names and same_json(there.input, call.input)


def _require_distinct(
    message: UIMessage, approval_ids: Mapping[str, Decision], call_ids: Mapping[str, LocalResult]
) -> None:
    """A backend finds the call by the id that is answered: one that means two calls would decide about both."""
    approvals: list[object] = [part.get("approval") for part in message.parts]
    asked = [approval.get("id") for approval in approvals if is_object(approval)]
    waiting = [call.tool_call_id for call in waiting_calls(message)]
    for ids, answered in ((asked, approval_ids), (waiting, call_ids)):
        for each in answered:
            if ids.count(each) > 1:
                raise KaiError(
                    f"Two calls of this answer wait under the id {each!r}; nothing was sent", "approval:ambiguous"
                )


def _changed(call: WaitingCall) -> KaiError:
    return KaiError(
        f"The call {call.tool_call_id!r} of {call.tool_name!r} is not what was decided about, or waits no more; nothing was sent",
        "approval:changed",
    )


def _supported(call: WaitingCall, verdict: Verdict) -> Verdict:
    """The verdict, or a denial where it is a yes to something that cannot be said here (protocol 2.4)."""
    match verdict.decision:
        case Approval(updated_input=None, answers=None) | Denial() | None:
            return verdict
        case _:
            return Verdict(Denial(reason="This client cannot change the arguments here."), _unsupported(call))


def _unsupported(call: WaitingCall) -> KaiError:
    return KaiError(
        f"This backend takes neither other arguments nor answers with an approval; {call.tool_name!r} was denied",
        "approval:unsupported",
    )
