"""One tool call of a turn: its input chunks, whether it waits, and how it ends."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Final, TypeAlias
from uuid import uuid4

from kai_client.events import (
    SSEEvent,
    ToolApprovalRequestEvent,
    ToolApprovalResponseEvent,
    ToolInputAvailableEvent,
    ToolInputDeltaEvent,
    ToolInputErrorEvent,
    ToolInputStartEvent,
    ToolOutputAvailableEvent,
    ToolOutputDeniedEvent,
    ToolOutputErrorEvent,
)
from kai_client.types import Json

from .approvals import Decision
from .script import Call, Execution, ToolFailure
from .turn import ToolResult

__all__ = ["Permission", "Refused", "RunningCall", "Settlement", "Verdict"]

_PIECE: Final = 12
"""How many characters of its input a model writes at once."""


class Permission(Enum):
    """Whether a call waits for a human."""

    RUN = "run"
    ASK = "ask"


@dataclass(frozen=True, slots=True)
class Refused:
    """The call may not run at all, for this reason: blocked by the settings or restricted in this chat."""

    reason: str


Verdict: TypeAlias = Permission | Refused


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a call ended: the chunks that say so, and the result for the turn."""

    result: ToolResult
    events: tuple[SSEEvent, ...]


class RunningCall:
    """A call with its ids."""

    def __init__(self, call: Call, verdict: Verdict) -> None:
        self.call = call
        self.id: str = call.id or f"call_{uuid4().hex[:24]}"
        self.approval_id: str = f"aitxt-{uuid4().hex[:24]}"
        self.requested: bool = False
        """Whether `tool-approval-request` has gone out: a second one would ask twice."""
        self._verdict = verdict
        fixed = isinstance(verdict, Refused) or call.invalid is not None or call.automatic is not None
        self.waits: bool = not fixed and (call.client_side or verdict is Permission.ASK)

    def input_events(self) -> Iterator[SSEEvent]:
        """The input as the model writes it (V2), and what the backend says about it by itself (V6, V8)."""
        extra = {"dynamic": True} if self.call.dynamic else {}
        name, value = self.call.tool, self.call.input
        yield ToolInputStartEvent.from_chunk({"toolCallId": self.id, "toolName": name, **extra})
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        for start in range(0, len(text), _PIECE):
            yield ToolInputDeltaEvent(tool_call_id=self.id, input_text_delta=text[start : start + _PIECE])
        if self.call.invalid is not None:
            yield ToolInputErrorEvent.from_chunk(
                {"toolCallId": self.id, "toolName": name, "input": value, "errorText": self.call.invalid, **extra}
            )
            return
        yield ToolInputAvailableEvent.from_chunk({"toolCallId": self.id, "toolName": name, "input": value, **extra})
        if self.call.automatic is not None:
            yield ToolApprovalRequestEvent(approval_id=self.approval_id, tool_call_id=self.id, is_automatic=True)
            yield ToolApprovalResponseEvent(approval_id=self.approval_id, approved=self.call.automatic)

    def request(self) -> Iterator[SSEEvent]:
        """`tool-approval-request`, once; a tool of the client's own side needs none (V11)."""
        if not self.requested and not self.call.client_side:
            self.requested = True
            yield ToolApprovalRequestEvent(approval_id=self.approval_id, tool_call_id=self.id)

    def settle_alone(self) -> Settlement:
        """The end of a call that waits for nobody."""
        if isinstance(self._verdict, Refused):
            return self._error(self._verdict.reason)
        if self.call.invalid is not None:
            return self._error(self.call.invalid)
        if self.call.automatic is False:
            return self._denial(Decision(approved=False))
        return self._run(Decision(approved=True))

    def settle(self, decision: Decision) -> Settlement:
        """The end of a call that somebody decided about."""
        if decision.output is not None:
            output = decision.output
            return self._error(output.error) if output.error is not None else self._output(output.output, ())
        if not decision.approved:
            return self._denial(decision)
        if self.call.client_side:  # on kai-agent the result of a client's own tool can only come as `answers`
            return self._output(dict(decision.answers or {}), ())
        return self._run(decision)

    def failed(self, text: str) -> ToolOutputErrorEvent:
        """The chunk of a failed call."""
        extra = {"dynamic": True} if self.call.dynamic else {}
        return ToolOutputErrorEvent.from_chunk({"toolCallId": self.id, "errorText": text, **extra})

    def _run(self, decision: Decision) -> Settlement:
        call = self.call
        if call.error is not None:
            return self._error(call.error)
        value = call.input if decision.updated_input is None else decision.updated_input
        if not callable(call.output):
            answered = call.output is None and decision.answers is not None
            return self._output({"answers": decision.answers} if answered else call.output, call.preliminary, value)
        try:
            return self._output(call.output(Execution(value, decision.answers)), call.preliminary, value)
        except ToolFailure as failure:
            return self._error(str(failure))

    def _output(self, output: Json, preliminary: tuple[Json, ...], value: Json = None) -> Settlement:
        """V2; with preliminary values, V9: the last one comes again without the flag."""
        extra = {"dynamic": True} if self.call.dynamic else {}
        chunks = [{"toolCallId": self.id, "output": early, "preliminary": True, **extra} for early in preliminary]
        if preliminary:
            chunks.append({"toolCallId": self.id, "output": output, "preliminary": True, **extra})
        chunks.append({"toolCallId": self.id, "output": output, **extra})
        result = ToolResult(self.call.tool, self.call.input if value is None else value, output)
        return Settlement(result, tuple(ToolOutputAvailableEvent.from_chunk(chunk) for chunk in chunks))

    def _error(self, text: str) -> Settlement:
        return Settlement(ToolResult(self.call.tool, self.call.input, error=text), (self.failed(text),))

    def _denial(self, decision: Decision) -> Settlement:
        result = ToolResult(self.call.tool, self.call.input, denied=True, reason=decision.reason)
        if decision.declined_output:
            declined: Json = {"_declined": True, "message": decision.reason or f"{self.call.tool} was declined."}
            return Settlement(result, (ToolOutputAvailableEvent(tool_call_id=self.id, output=declined),))
        return Settlement(result, (ToolOutputDeniedEvent(tool_call_id=self.id),))
