"""The tool parts of the assistant message: found by call id, moved from state to state (protocol 5.3).

An update by the model's own chunks looks in the current step only, and static and dynamic calls are different parts; a tool's
result looks in the current step first, then backwards through the whole message.
"""

from collections.abc import Callable
from typing import Any, ClassVar, Final, TypeAlias

from kai_client._text import TextBuffer
from kai_client.events import (
    SSEEvent,
    ToolApprovalRequestEvent,
    ToolApprovalResponseEvent,
    ToolCallEvent,
    ToolInputAvailableEvent,
    ToolInputDeltaEvent,
    ToolInputErrorEvent,
    ToolInputStartEvent,
    ToolOutputAvailableEvent,
    ToolOutputDeniedEvent,
    ToolOutputErrorEvent,
)
from kai_client.types import JsonObject

_Handler: TypeAlias = Callable[[Any, Any], None]

_OVERWRITTEN: Final = ("state", "input", "output", "errorText", "rawInput", "preliminary")


class ToolParts:
    """The tool parts among `parts`, which it appends to."""

    def __init__(self, parts: list[JsonObject]) -> None:
        self._parts = parts
        self._in_step: dict[tuple[bool, str], JsonObject] = {}
        self._latest: dict[str, JsonObject] = {}
        self._by_approval: dict[str, JsonObject] = {}
        self._inputs: dict[str, TextBuffer] = {}

    def start_step(self) -> None:
        """Later updates no longer reach the parts of earlier steps; results do."""
        self._in_step.clear()

    def reset(self) -> None:
        """The current step's parts are gone."""
        gone = {id(part) for part in self._in_step.values()}
        self._in_step.clear()
        self._inputs.clear()
        self._latest = {key: part for key, part in self._latest.items() if id(part) not in gone}
        self._by_approval = {key: part for key, part in self._by_approval.items() if id(part) not in gone}

    def apply(self, event: SSEEvent) -> None:
        """Fold one event in; those that are not about tool calls change nothing."""
        handler = self._handlers.get(type(event))
        if handler is not None:
            handler(self, event)

    def _on_start(self, event: ToolInputStartEvent) -> None:
        self._inputs[event.tool_call_id] = TextBuffer()
        self._upsert(event, {"state": "input-streaming"})

    def _on_input(self, event: ToolInputAvailableEvent) -> None:
        self._upsert(event, {"state": "input-available", "input": event.input})

    def _on_input_error(self, event: ToolInputErrorEvent) -> None:
        self._upsert(event, {"state": "output-error", "input": event.input, "errorText": event.error_text})

    def _on_denied(self, event: ToolOutputDeniedEvent) -> None:
        self._find(event.tool_call_id)["state"] = "output-denied"

    def _on_error(self, event: ToolOutputErrorEvent) -> None:
        self._result(event, {"state": "output-error", "errorText": event.error_text}, keep=("rawInput",))

    def _on_output(self, event: ToolOutputAvailableEvent) -> None:
        preliminary: JsonObject = {"preliminary": True} if event.preliminary else {}
        self._result(event, {"state": "output-available", "output": event.output} | preliminary)

    def _upsert(self, event: Any, fields: JsonObject) -> JsonObject:
        """The model's own chunks: update the call of this kind in this step, or append it."""
        dynamic = bool(event.dynamic)
        part = self._in_step.get((dynamic, event.tool_call_id))
        if part is None:
            part = self._append(event.tool_call_id, event.tool_name or "", dynamic=dynamic)
        elif event.tool_name:
            part.update(_named(event.tool_name, dynamic=dynamic))
        for key in _OVERWRITTEN:
            part.pop(key, None)
        part.update(fields)
        _add(part, title=event.title, toolMetadata=event.tool_metadata, providerExecuted=event.provider_executed)
        _add(part, callProviderMetadata=event.provider_metadata)
        return part

    def _append(self, call_id: str, tool_name: str, *, dynamic: bool) -> JsonObject:
        part: JsonObject = {**_named(tool_name, dynamic=dynamic), "toolCallId": call_id}
        self._parts.append(part)
        self._in_step[dynamic, call_id] = part
        self._latest[call_id] = part
        return part

    def _find(self, call_id: str) -> JsonObject:
        """The newest part of a call; one that nobody announced gets a part without a name."""
        return self._latest.get(call_id) or self._append(call_id, "", dynamic=True)

    def _on_delta(self, event: ToolInputDeltaEvent) -> None:
        text = self._inputs.setdefault(event.tool_call_id, TextBuffer())
        text.append(event.input_text_delta)
        part = self._find(event.tool_call_id)
        part["state"] = "input-streaming"

    def _on_approval_request(self, event: ToolApprovalRequestEvent) -> None:
        part = self._find(event.tool_call_id)
        approval: JsonObject = {"id": event.approval_id}
        _add(approval, signature=event.signature, requestReason=event.reason, descriptor=event.approval_descriptor)
        _add(approval, inputSchemaInput=event.input_schema_input, isAutomatic=event.is_automatic or None)
        part.update(state="approval-requested", approval=approval)
        self._by_approval[event.approval_id] = part

    def _on_approval_response(self, event: ToolApprovalResponseEvent) -> None:
        part = self._by_approval.get(event.approval_id)
        if part is None:
            return
        approval = part.get("approval")
        merged: JsonObject = dict(approval) if isinstance(approval, dict) else {"id": event.approval_id}
        merged["approved"] = event.approved
        _add(merged, reason=event.reason)
        part.update(state="approval-responded", approval=merged)
        _add(part, providerExecuted=event.provider_executed, callProviderMetadata=event.provider_metadata)

    def _result(self, event: Any, fields: JsonObject, keep: tuple[str, ...] = ()) -> None:
        part = self._find(event.tool_call_id)
        for key in ("output", "errorText", "rawInput", "preliminary"):
            if key not in keep:
                part.pop(key, None)
        part.update(fields)
        _add(part, providerExecuted=event.provider_executed, toolMetadata=event.tool_metadata)
        _add(part, resultProviderMetadata=event.provider_metadata)

    def _on_legacy(self, event: ToolCallEvent) -> None:
        """The `tool-call` chunk (protocol 4.5): whatever it carries, under its own state."""
        part = self._latest.get(event.tool_call_id)
        if part is None:
            part = self._append(event.tool_call_id, event.tool_name or "", dynamic=False)
        part["state"] = "input-streaming" if event.state in {"started", "streaming"} else event.state
        _add(part, input=event.input, output=event.output, errorText=event.error_text)
        if event.approval is not None:
            part["approval"] = event.approval.model_dump(by_alias=True, exclude_none=True)
            self._by_approval[event.approval.id] = part

    _handlers: ClassVar[dict[type[SSEEvent], _Handler]] = {
        ToolInputStartEvent: _on_start,
        ToolInputDeltaEvent: _on_delta,
        ToolInputAvailableEvent: _on_input,
        ToolInputErrorEvent: _on_input_error,
        ToolApprovalRequestEvent: _on_approval_request,
        ToolApprovalResponseEvent: _on_approval_response,
        ToolOutputDeniedEvent: _on_denied,
        ToolOutputErrorEvent: _on_error,
        ToolOutputAvailableEvent: _on_output,
        ToolCallEvent: _on_legacy,
    }


def _named(tool_name: str, *, dynamic: bool) -> JsonObject:
    return {"type": "dynamic-tool", "toolName": tool_name} if dynamic else {"type": f"tool-{tool_name}"}


def _add(target: JsonObject, **values: Any) -> None:
    """Set what is given: an absent value never clears one that stands (protocol 5.3, "only when provided")."""
    target.update({key: value for key, value in values.items() if value is not None})
