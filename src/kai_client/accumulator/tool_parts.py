"""The tool parts of the assistant message: found by call id, moved from state to state (protocol 5.3).

The model's own chunks look in the current step only, where a static and a dynamic call are different parts; what happens to a
call afterwards looks in the current step first, then backwards through the whole message.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, TypeAlias

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
from kai_client.message.tools import DYNAMIC, is_tool_type, name_of_tool
from kai_client.types import Json, JsonObject

from .approval_index import ApprovalIndex
from .growing import GrowingText, SoFar
from .part_state import ABSENT, PartState
from .problems import Problems

_Handler: TypeAlias = Callable[[Any, Any], None]

_LEGACY_STATES: Final = {
    ("started", False): "input-streaming",
    ("streaming", False): "input-streaming",
    ("streaming", True): "output-available",
    ("done", False): "input-available",
    ("done", True): "output-available",
}
"""The states that only the legacy chunk has (protocol 4.5), by whether there is an output."""


@dataclass(slots=True)
class _PartialCall:
    """An input that is being written."""

    text: GrowingText
    tool_name: str
    dynamic: bool
    input_encoding: str | None = None
    title: str | None = None
    tool_metadata: Json = None
    part: PartState | None = None
    """Whose values grow with `text`: one part at a time."""
    raw_input: SoFar = field(init=False)
    input: SoFar = field(init=False)

    def __post_init__(self) -> None:
        self.raw_input = SoFar(self.text)
        self.input = SoFar(self.text, parsed=self.input_encoding != "text")

    def grows_in(self, part: PartState | None) -> bool:
        """Whether the values of `part` grow by themselves; else they have to be set."""
        return (
            part is not None
            and part.fields.get("rawInput") is self.raw_input
            and part.fields["state"] == "input-streaming"
        )

    def move_to(self, part: PartState | None) -> None:
        """From now on the values of `part` grow, and those of the part before stay as they are."""
        if self.part is not None and self.part is not part:
            self.part.freeze("input", "rawInput")
        self.part = part


class ToolParts:
    """The tool parts among `parts`, which it appends to; `step_start` is where the current step begins."""

    def __init__(self, parts: list[PartState], problems: Problems, step_start: int) -> None:
        self._parts = parts
        self._problems = problems
        self._in_step: dict[tuple[bool, str], PartState] = {}
        self._first_in_step: dict[str, PartState] = {}
        self._by_call: dict[str, list[PartState]] = {}
        self._approvals = ApprovalIndex(parts)
        self._partial: dict[str, _PartialCall] = {}
        for index, part in enumerate(parts):
            if is_tool(part):
                self._register(part, in_step=index >= step_start)

    def _register(self, part: PartState, *, in_step: bool) -> None:
        """Index a part of a message that goes on; an unfinished input can go on, too."""
        fields = part.fields
        call_id = str(fields.get("toolCallId"))
        self._by_call.setdefault(call_id, []).append(part)
        self._approvals.add(part)
        if not in_step:
            return
        dynamic = fields["type"] == DYNAMIC
        self._in_step.setdefault((dynamic, call_id), part)
        self._first_in_step.setdefault(call_id, part)
        if fields.get("state") == "input-streaming":
            self._partial[call_id] = _PartialCall(
                GrowingText(str(fields.get("rawInput") or "")),
                _tool_name(part),
                dynamic,
                fields.get("inputEncoding"),
                fields.get("title"),
                fields.get("toolMetadata"),
            )

    def start_step(self) -> None:
        """Later updates no longer reach the parts of earlier steps; results do."""
        self._in_step.clear()
        self._first_in_step.clear()

    def reset_step(self) -> None:
        """The current step's parts are gone, and with them every unfinished input."""
        self.start_step()
        self._partial.clear()

    def apply(self, event: SSEEvent) -> bool:
        """Fold one event in; whether it was about a tool call."""
        handler = self._handlers.get(type(event))
        if handler is None:
            return False
        handler(self, event)
        return True

    # The model writes its call

    def _on_start(self, event: ToolInputStartEvent) -> None:
        self._partial[event.tool_call_id] = _PartialCall(
            GrowingText(),
            event.tool_name or "",
            bool(event.dynamic),
            event.input_encoding,
            event.title,
            event.tool_metadata,
        )
        self._upsert(
            event, dynamic=bool(event.dynamic), state="input-streaming", inputEncoding=_given(event.input_encoding)
        )

    def _on_delta(self, event: ToolInputDeltaEvent) -> None:
        self.grow(event.tool_call_id, event.input_text_delta)

    def grow(self, call_id: str, text: str, *, deltas: int = 1) -> None:
        """The input of a call goes on, by so many deltas."""
        self._grow(call_id, text)
        if deltas > 1:
            self._grow(call_id, "")  # a second one may change more than the text, see below

    def _grow(self, call_id: str, piece: str) -> None:
        call = self._partial.get(call_id)
        if call is None:
            self._problems.note(f"tool-input-delta for the unknown call {call_id!r}")
            call = self._unannounced(call_id)
        part = self._in_step.get((call.dynamic, call_id))
        if part is not None and call.grows_in(part):
            call.text.pieces.append(piece)
            part.touch()
            return
        call.move_to(part)
        call.text.pieces.append(piece)
        raw_input: SoFar | object = call.raw_input
        if part is None:  # the call has begun in an earlier step
            part = call.part = self._append(call_id, call.tool_name, dynamic=call.dynamic)
            # So does the SDK: a dynamic part that a delta makes has its text only from the next delta on.
            raw_input = ABSENT if call.dynamic else raw_input
        fields = {"input": call.input, "rawInput": raw_input, "inputEncoding": _given(call.input_encoding)}
        self._overwrite(part, call.tool_name, call.title, call.tool_metadata, state="input-streaming", **fields)

    def _unannounced(self, call_id: str) -> _PartialCall:
        known = self._first_in_step.get(call_id) or self._append(call_id, "", dynamic=True)
        dynamic = known.fields["type"] == DYNAMIC
        call = self._partial[call_id] = _PartialCall(GrowingText(), _tool_name(known), dynamic)
        return call

    def _on_input(self, event: ToolInputAvailableEvent) -> None:
        self._upsert(event, dynamic=bool(event.dynamic), state="input-available", input=_set(event, "input"))

    def _on_input_error(self, event: ToolInputErrorEvent) -> None:
        """The part that is there decides whether the call is dynamic; the chunk's flag only where there is none."""
        known = self._first_in_step.get(event.tool_call_id)
        dynamic = bool(event.dynamic) if known is None else known.fields["type"] == DYNAMIC
        self._upsert(
            event, dynamic=dynamic, state="output-error", input=_set(event, "input"), errorText=event.error_text
        )

    def _upsert(self, event: Any, *, dynamic: bool, state: str, **fields: Any) -> None:
        part = self._in_step.get((dynamic, event.tool_call_id))
        if part is None:
            part = self._append(event.tool_call_id, event.tool_name or "", dynamic=dynamic)
        title = None if isinstance(event, ToolInputErrorEvent) else event.title
        self._overwrite(part, event.tool_name, title, event.tool_metadata, state=state, **fields)
        kind = "resultProviderMetadata" if state == "output-error" else "callProviderMetadata"
        _add(part, providerExecuted=event.provider_executed, **{kind: event.provider_metadata})

    def _overwrite(
        self, part: PartState, tool_name: str | None, title: str | None, tool_metadata: Json, **fields: Any
    ) -> None:
        """What an update leaves out goes away; only title and metadata stay unless they are given."""
        cleared = dict.fromkeys(("input", "output", "errorText", "rawInput", "preliminary", "inputEncoding"), ABSENT)
        part.update(**cleared | fields)
        if tool_name is not None:
            part.update(**_named(tool_name, dynamic=part.fields["type"] == DYNAMIC))
        _add(part, title=title, toolMetadata=tool_metadata)

    def _append(self, call_id: str, tool_name: str, *, dynamic: bool) -> PartState:
        part = PartState({**_named(tool_name, dynamic=dynamic), "toolCallId": call_id}, len(self._parts))
        self._parts.append(part)
        self._in_step[dynamic, call_id] = part
        self._first_in_step.setdefault(call_id, part)
        self._by_call.setdefault(call_id, []).append(part)
        return part

    # What happens to it

    def _known(self, call_id: str) -> PartState | None:
        """The first part of the call in the current step, else the last one in the message."""
        if (part := self._first_in_step.get(call_id)) is not None:
            return part
        parts = self._by_call.get(call_id, [])
        while parts and not parts[-1].is_in(self._parts):
            parts.pop()
        return parts[-1] if parts else None

    def _find(self, kind: str, call_id: str) -> PartState:
        part = self._known(call_id)
        if part is None:
            self._problems.note(f"{kind} for the unknown call {call_id!r}")
            part = self._append(call_id, "", dynamic=True)
        return part

    def _on_output(self, event: ToolOutputAvailableEvent) -> None:
        part = self._find(event.chunk_type, event.tool_call_id)
        preliminary = ABSENT if event.preliminary is None else event.preliminary
        self._result(part, event, state="output-available", output=_set(event, "output"), preliminary=preliminary)

    def _on_error(self, event: ToolOutputErrorEvent) -> None:
        part = self._find(event.chunk_type, event.tool_call_id)
        raw_input = part.fields.get("rawInput", ABSENT) if part.fields["type"] != DYNAMIC else ABSENT
        self._result(part, event, state="output-error", errorText=event.error_text, rawInput=raw_input)

    def _result(self, part: PartState, event: ToolOutputAvailableEvent | ToolOutputErrorEvent, **fields: Any) -> None:
        kept = part.fields.get("input", ABSENT)
        self._overwrite(part, None, None, event.tool_metadata, **{"input": kept, **fields})
        _add(part, providerExecuted=event.provider_executed, resultProviderMetadata=event.provider_metadata)

    def _on_denied(self, event: ToolOutputDeniedEvent) -> None:
        part = self._find(event.chunk_type, event.tool_call_id)
        part.update(state="output-denied")

    def _on_approval_request(self, event: ToolApprovalRequestEvent) -> None:
        part = self._find(event.chunk_type, event.tool_call_id)
        approval: JsonObject = {"id": event.approval_id}
        if "input_schema_input" in event.model_fields_set:
            approval["inputSchemaInput"] = event.input_schema_input
        given = {"descriptor": event.approval_descriptor, "requestReason": event.reason, "signature": event.signature}
        approval.update({key: value for key, value in given.items() if value is not None})
        if event.is_automatic:
            approval["isAutomatic"] = True
        part.update(state="approval-requested", approval=approval)
        self._approvals.add(part)

    def _on_approval_response(self, event: ToolApprovalResponseEvent) -> None:
        part = self._approvals.find(event.approval_id)
        if part is None:
            self._problems.note(f"tool-approval-response for the unknown approval {event.approval_id!r}")
            return
        approval = {**part.fields["approval"], "id": event.approval_id, "approved": event.approved}
        part.update(state="approval-responded", approval=approval | _without_none(reason=event.reason))
        _add(part, providerExecuted=event.provider_executed, callProviderMetadata=event.provider_metadata)

    def _on_legacy(self, event: ToolCallEvent) -> None:
        """The `tool-call` chunk (protocol 4.5): whatever it carries, under its own state."""
        part = self._known(event.tool_call_id)
        if part is None:
            part = self._append(event.tool_call_id, event.tool_name or "", dynamic=False)
        elif event.tool_name and part.fields["type"] != DYNAMIC:
            part.update(**_named(event.tool_name, dynamic=False))
        carried = _without_none(input=event.input, output=event.output, errorText=event.error_text)
        part.update(**carried)
        part.update(state=_LEGACY_STATES.get((event.state, "output" in part.fields), event.state))
        if event.approval is not None:
            part.update(approval=event.approval.model_dump(by_alias=True, exclude_unset=True))
            self._approvals.add(part)

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


def is_tool(part: PartState) -> bool:
    """Whether the part is a tool call."""
    return is_tool_type(part.fields["type"])


def _tool_name(part: PartState) -> str:
    return name_of_tool(part.fields["type"], part.fields.get("toolName"))


def _named(tool_name: str, *, dynamic: bool) -> JsonObject:
    return {"type": DYNAMIC, "toolName": tool_name} if dynamic else {"type": f"tool-{tool_name}"}


def _set(event: ToolCallEvent | ToolInputErrorEvent, name: str) -> Any:
    """A field's value where the chunk carries it, null included."""
    return getattr(event, name) if name in event.model_fields_set else ABSENT


def _given(value: Any) -> Any:
    return ABSENT if value is None else value


def _without_none(**values: Json) -> JsonObject:
    return {key: value for key, value in values.items() if value is not None}


def _add(part: PartState, **values: Json) -> None:
    """Set what is given: an absent value never clears one that stands."""
    part.update(**_without_none(**values))
