"""The tool calls of an answer: for each call id its last event, with the name and input that earlier events told."""

from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kai_client.events import (
    SSEEvent,
    ToolApproval,
    ToolApprovalRequestEvent,
    ToolApprovalResponseEvent,
    ToolCallEvent,
    ToolInputDeltaEvent,
    ToolInputErrorEvent,
    ToolOutputDeniedEvent,
    ToolOutputErrorEvent,
)

_Changes: TypeAlias = dict[str, Any]

_KEPT: Final = ("tool_name", "input", "output", "approval", "error_text")


def _failed(event: ToolInputErrorEvent) -> _Changes:
    changes: _Changes = {"state": "output-error", "input": event.input, "error_text": event.error_text}
    return changes | ({"tool_name": event.tool_name} if event.tool_name else {})


_CHANGES: Final[dict[type[SSEEvent], Callable[[Any], _Changes]]] = {
    ToolInputDeltaEvent: lambda _: {"state": "input-streaming"},
    ToolInputErrorEvent: _failed,
    ToolApprovalRequestEvent: lambda e: {"state": "approval-requested", "approval": ToolApproval(id=e.approval_id)},
    ToolOutputErrorEvent: lambda e: {"state": "output-error", "error_text": e.error_text},
    ToolOutputDeniedEvent: lambda _: {"state": "output-denied"},
}
"""What the chunks that are not themselves a `ToolCallEvent` say about a call."""


_ABOUT_A_CALL: Final = (
    ToolInputDeltaEvent,
    ToolInputErrorEvent,
    ToolApprovalRequestEvent,
    ToolOutputErrorEvent,
    ToolOutputDeniedEvent,
)


class ToolCalls:
    """Calls by id, in the order in which they first appeared."""

    def __init__(self) -> None:
        self._calls: dict[str, ToolCallEvent] = {}
        self._by_approval: dict[str, str] = {}

    def apply(self, event: SSEEvent) -> None:
        """Take note of an event; those that are not about tool calls change nothing."""
        if isinstance(event, ToolCallEvent):
            self._merge(event)
        elif isinstance(event, ToolApprovalResponseEvent):
            self._respond(event)
        elif isinstance(event, _ABOUT_A_CALL):
            if isinstance(event, ToolApprovalRequestEvent):
                self._by_approval[event.approval_id] = event.tool_call_id
            self._update(event.tool_call_id, _CHANGES[type(event)](event))

    def snapshot(self) -> dict[str, ToolCallEvent]:
        """A copy; later events do not change it."""
        return dict(self._calls)

    def _merge(self, event: ToolCallEvent) -> None:
        """An output does not repeat the name and the input (protocol 4.5): they stay what earlier chunks said."""
        earlier = self._calls.get(event.tool_call_id)
        if event.approval is not None:
            self._by_approval[event.approval.id] = event.tool_call_id
        if earlier is not None:
            given = event.model_fields_set
            kept = {name: getattr(earlier, name) for name in _KEPT if name not in given or getattr(event, name) is None}
            if event.state == "output-available":
                kept.pop("error_text", None)  # a later output takes a failure back (protocol 5.8, G23)
            event = event.model_copy(update=kept)
        self._calls[event.tool_call_id] = event

    def _respond(self, event: ToolApprovalResponseEvent) -> None:
        call_id = self._by_approval.get(event.approval_id)
        if call_id is not None:
            approval = ToolApproval(id=event.approval_id, approved=event.approved, reason=event.reason)
            self._update(call_id, {"state": "approval-responded", "approval": approval})

    def _update(self, call_id: str, changes: _Changes) -> None:
        earlier = self._calls.get(call_id) or ToolCallEvent(tool_call_id=call_id, state="")
        self._calls[call_id] = earlier.model_copy(update=changes)
