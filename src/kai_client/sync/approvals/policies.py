# Made of kai_client/approvals/policies.py by scripts/generate_sync.py: change that, and run this.
"""Ready-made policies, and what makes policies of policies."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from kai_client.approvals.decisions import YES, Approval, Decision, Denial, Ruling, ToolCall, decision_of
from kai_client.sync.approvals.policy import Policy, ruled

__all__ = ["all_of", "any_of", "approve_all", "approve_only", "by_id", "deny_all", "first_of"]

_NOBODY: Final = Denial(reason="Nobody can approve tool calls here.")


def deny_all(call: ToolCall[Any], /) -> Denial:
    """Denies every call, the default of a run; the model is told that nobody can be asked."""
    del call
    return _NOBODY


def approve_all(call: ToolCall[Any], /) -> Approval:
    """Approves every call, whatever it does."""
    del call
    return YES


def approve_only(*tool_names: str, otherwise: Policy = deny_all) -> Policy:
    """Approves calls of exactly these tools; `otherwise` decides about all others."""
    names = frozenset(_checked_names(tool_names))

    def decide(call: ToolCall[Any], /) -> Decision | None:
        return YES if call.tool_name in names else ruled(otherwise, call)

    return decide


def by_id(decisions: Mapping[str, Ruling]) -> Policy:
    """Decisions that were made before, by tool call id or approval id; every other call stays pending.

    For a web backend: one request shows what waits, a later one brings what the user said.
    """
    known = {key: decision_of(ruling) for key, ruling in decisions.items()}

    def decide(call: ToolCall[Any], /) -> Decision | None:
        found = known.get(call.tool_call_id)
        return found if found is not None or call.approval_id is None else known.get(call.approval_id)

    return decide


def first_of(*policies: Policy) -> Policy:
    """The first decision in this order: a policy that returns None leaves it to the next."""

    def decide(call: ToolCall[Any], /) -> Decision | None:
        for policy in policies:
            if (decision := ruled(policy, call)) is not None:
                return decision
        return None

    return decide


def all_of(*policies: Policy) -> Policy:
    """Approves what every policy approves: the first that does not, decides. At least one is needed.

    Only the first may change the arguments, and the others are asked about the changed ones: a call that a later one changes
    is denied, since those before it have approved something else.
    """
    _require_some(policies)

    def decide(call: ToolCall[Any], /) -> Decision | None:
        approval = ruled(policies[0], call)
        if not isinstance(approval, Approval):
            return approval
        if approval.updated_input is not None:
            call = replace(call, input=dict(approval.updated_input))
        for policy in policies[1:]:
            decision = ruled(policy, call)
            if not isinstance(decision, Approval):
                return decision
            if decision not in (YES, approval):
                return Denial(reason="Two approvals of this call differ.")
        return approval

    return decide


def any_of(*policies: Policy) -> Policy:
    """Approves what one policy approves, asked in this order; else pending if one said so, else the last denial."""
    _require_some(policies)

    def decide(call: ToolCall[Any], /) -> Decision | None:
        said: list[Decision | None] = []
        for policy in policies:
            decision = ruled(policy, call)
            if isinstance(decision, Approval):
                return decision
            said.append(decision)
        return None if None in said else said[-1]

    return decide


def _require_some(policies: tuple[Policy, ...]) -> None:
    if not policies:
        raise ValueError("At least one policy is needed: no policy approves nothing, and denies nothing")


def _checked_names(tool_names: tuple[str, ...]) -> tuple[str, ...]:
    if not all(isinstance(name, str) and name for name in tool_names):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError("The names of tools are strings that are not empty")
    return tool_names
