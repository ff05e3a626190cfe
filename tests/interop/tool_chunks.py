"""The chunks of tool calls: written, approved, answered, in any order that a server might send."""

from __future__ import annotations

from choices import Choices, units
from chunk_streams import APPROVAL_IDS, BROKEN, CALL_IDS, TOOLS, Kind, Scene
from pydantic import JsonValue
from sdk_reducer import JsonObject

TOOL_METADATA: tuple[JsonValue, ...] = ({"m": 1}, {}, {"n": None})


def _named(scene: Scene, call_id: str, choices: Choices) -> JsonObject:
    """The name of a call's tool and whether it is dynamic; now and then other ones than before."""
    name, dynamic = TOOLS[call_id]
    if choices.chance(30 if scene.major == 5 else 10):
        dynamic = not dynamic
    if choices.chance(30 if scene.major == 5 else 10):
        name = choices.pick(("query_data_2", "", "mcp"))
    flag: JsonObject = {"dynamic": True} if dynamic else choices.pick(({}, {"dynamic": False}))
    return {"toolCallId": call_id, "toolName": name, **flag}


def _extra(scene: Scene, choices: Choices, *, title: bool = True, provider_metadata: bool = True) -> JsonObject:
    fields = scene.optional(choices, providerExecuted=lambda: choices.pick((True, False)))
    if provider_metadata:
        fields |= scene.optional(choices, providerMetadata=choices.provider_metadata)
    if scene.major > 5:
        fields |= scene.optional(choices, toolMetadata=lambda: choices.pick(TOOL_METADATA))
    if scene.major > 5 and title:
        fields |= scene.optional(choices, title=lambda: choices.pick(("T", "")))
    return fields


def _value(choices: Choices, name: str) -> dict[str, JsonValue]:
    """A field that is rarely left out: JSON drops what is undefined."""
    return {} if choices.chance(12) else {name: choices.value()}


def _announced(scene: Scene, choices: Choices) -> str:
    call_id = choices.pick(CALL_IDS)
    scene.calls.append(call_id)
    return call_id


def _input_start(scene: Scene, choices: Choices) -> JsonObject:
    call_id = _announced(scene, choices)
    fields = _named(scene, call_id, choices) | _extra(scene, choices, provider_metadata=scene.major > 5)
    if scene.major > 5:
        fields |= scene.optional(choices, inputEncoding=lambda: choices.pick(("text", "json")))
    scene.writing[call_id] = units(choices.input_text())
    return {"type": "tool-input-start", **fields}


def _input_delta(scene: Scene, choices: Choices) -> JsonObject:
    broken = choices.chance(BROKEN)
    if not scene.writing and not broken:
        return _input_start(scene, choices)
    call_id = choices.pick(CALL_IDS if broken else list(scene.writing))
    left = scene.writing.get(call_id, ["?"])
    size = choices.pick((3, 1, 2, 0, 5, 8, 13, len(left)))
    piece, left[:] = "".join(left[:size]), left[size:]
    return {"type": "tool-input-delta", "toolCallId": call_id, "inputTextDelta": piece}


def _input_available(scene: Scene, choices: Choices) -> JsonObject:
    call_id = choices.pick(list(scene.writing)) if scene.writing and choices.chance(2) else _announced(scene, choices)
    named = _named(scene, call_id, choices)
    return {"type": "tool-input-available", **named, **_value(choices, "input"), **_extra(scene, choices)}


def _input_error(scene: Scene, choices: Choices) -> JsonObject:
    named = _named(scene, _announced(scene, choices), choices)
    fields = named | _value(choices, "input") | _extra(scene, choices)
    return {"type": "tool-input-error", **fields, "errorText": choices.pick(("Bad", ""))}


def _flag(scene: Scene, call_id: str, choices: Choices) -> JsonObject:
    """Version 5 needs the flag, later ones ignore it."""
    given = TOOLS[call_id].dynamic if scene.major == 5 else choices.chance(3)
    return {"dynamic": True} if given != choices.chance(40) else {}


def _output_available(scene: Scene, choices: Choices) -> JsonObject:
    call_id = scene.call_id(choices)
    if call_id is None:
        return _input_available(scene, choices)
    fields = _extra(scene, choices, title=False, provider_metadata=scene.major > 5)
    fields |= scene.optional(choices, preliminary=lambda: choices.pick((True, False)))
    fields |= _flag(scene, call_id, choices)
    return {"type": "tool-output-available", "toolCallId": call_id, **_value(choices, "output"), **fields}


def _output_error(scene: Scene, choices: Choices) -> JsonObject:
    call_id = scene.call_id(choices)
    if call_id is None:
        return _input_available(scene, choices)
    fields = _extra(scene, choices, title=False, provider_metadata=scene.major > 5)
    fields |= _flag(scene, call_id, choices)
    return {"type": "tool-output-error", "toolCallId": call_id, "errorText": choices.pick(("No", "")), **fields}


def _output_denied(scene: Scene, choices: Choices) -> JsonObject:
    call_id = scene.call_id(choices)
    return (
        _input_available(scene, choices) if call_id is None else {"type": "tool-output-denied", "toolCallId": call_id}
    )


def _approval_request(scene: Scene, choices: Choices) -> JsonObject:
    call_id = scene.call_id(choices)
    if call_id is None:
        return _input_available(scene, choices)
    approval_id = choices.pick(APPROVAL_IDS)
    scene.approvals.append(approval_id)
    fields = scene.optional(
        choices, signature=lambda: "sig", approvalDescriptor=choices.value, inputSchemaInput=choices.value
    )
    if scene.major > 6:
        fields |= scene.optional(choices, reason=lambda: "why", isAutomatic=lambda: choices.pick((True, False)))
    return {"type": "tool-approval-request", "approvalId": approval_id, "toolCallId": call_id, **fields}


def _approval_response(scene: Scene, choices: Choices) -> JsonObject:
    broken = choices.chance(BROKEN)
    if not scene.approvals and not broken:
        return _approval_request(scene, choices)
    approval_id = choices.pick(APPROVAL_IDS if broken else scene.approvals)
    fields = scene.optional(
        choices,
        reason=lambda: choices.pick(("because", "")),
        providerExecuted=lambda: choices.pick((True, False)),
        providerMetadata=choices.provider_metadata,
    )
    approved = choices.pick((True, False))
    return {"type": "tool-approval-response", "approvalId": approval_id, "approved": approved, **fields}


TOOL_KINDS: tuple[Kind, ...] = (
    Kind(_input_delta, 10),
    Kind(_input_start, 4),
    Kind(_input_available, 4),
    Kind(_input_error, 2),
    Kind(_output_available, 5),
    Kind(_output_error, 2),
    Kind(_output_denied, 1, since=6),
    Kind(_approval_request, 3, since=6),
    Kind(_approval_response, 3, since=7),
)
