"""What happened to a tool call between two states of it, as chunks. Pure."""

from typing import Any, Final

from kai_client.message import ToolUIPart

__all__ = ["tool_chunks"]

_OUTCOMES: Final = {
    "output-available": "tool-output-available",
    "output-error": "tool-output-error",
    "output-denied": "tool-output-denied",
}
_CALL: Final = {
    "title": "title",
    "providerExecuted": "providerExecuted",
    "toolMetadata": "toolMetadata",
    "callProviderMetadata": "providerMetadata",
}
_APPROVAL: Final = {
    "signature": "signature",
    "descriptor": "approvalDescriptor",
    "inputSchemaInput": "inputSchemaInput",
    "requestReason": "reason",
    "isAutomatic": "isAutomatic",
}
_OUTCOME: Final = {
    "output": "output",
    "errorText": "errorText",
    "preliminary": "preliminary",
    "providerExecuted": "providerExecuted",
    "resultProviderMetadata": "providerMetadata",
}


def tool_chunks(before: ToolUIPart | None, after: ToolUIPart) -> list[dict[str, Any]] | None:
    """The chunks that lead from `before` (None: from nothing) to `after`; None where no chunk does."""
    new: dict[str, Any] = after.to_dict()
    old: dict[str, Any] = before.to_dict() if before is not None else {}
    if old == new:
        return []
    if old.get("state") == "approval-responded" and new.get("state") == "approval-requested":
        return None  # from before the decision
    if old.get("state") in _OUTCOMES and not old.get("preliminary"):
        # An outcome stands. What else a backend stores of the call (metadata) makes no other one of it.
        same = all(old.get(key) == new.get(key) for key in ("state", "output", "errorText"))
        return [] if same else None
    call: dict[str, Any] = {"toolCallId": after.tool_call_id, **({"dynamic": True} if after.is_dynamic else {})}
    if "rawInput" in new and new.get("input") is None and new["state"] == "output-error":
        named = {"toolName": after.tool_name, "input": new["rawInput"], "errorText": new.get("errorText", "")}
        return [{"type": "tool-input-error", **call, **named, **_renamed(new, _CALL)}]
    chunks: list[dict[str, Any]] = []
    if old.get("state") in {None, "input-streaming"} or old.get("input") != new.get("input"):
        named = {"toolName": after.tool_name, "input": new.get("input")}
        chunks.append({"type": "tool-input-available", **call, **named, **_renamed(new, _CALL)})
    chunks += _approval(old.get("approval") or {}, new.get("approval") or {}, after.tool_call_id)
    if (kind := _OUTCOMES.get(new["state"])) is not None:
        chunks.append({"type": kind, **call, **_renamed(new, _OUTCOME)})
    return chunks


def _approval(old: dict[str, Any], new: dict[str, Any], call_id: str) -> list[dict[str, Any]]:
    chunks: list[dict[str, Any]] = []
    if new and not old:
        asked = {"approvalId": new.get("id"), "toolCallId": call_id, **_renamed(new, _APPROVAL)}
        chunks.append({"type": "tool-approval-request", **asked})
    if new.get("approved") is not None and old.get("approved") is None:
        decided = {"approvalId": new.get("id"), "approved": new["approved"], **_renamed(new, {"reason": "reason"})}
        chunks.append({"type": "tool-approval-response", **decided})
    return chunks


def _renamed(wire: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    return {name: wire[key] for key, name in names.items() if key in wire}
