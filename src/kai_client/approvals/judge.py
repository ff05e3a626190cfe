"""Asks the policies: the tool's own if it has one, else that of the run."""

from dataclasses import dataclass
from typing import Any

from .decisions import Decision, Denial, Policy, ToolCall
from .local import LocalTools
from .policies import ruled

__all__ = ["Judge", "Verdict"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy said; None leaves the call pending. A policy that failed has denied, and `failure` is why."""

    decision: Decision | None
    failure: Exception | None = None


class Judge:
    """Decides about one call at a time."""

    def __init__(self, policy: Policy, tools: LocalTools | None) -> None:
        if not callable(policy):
            raise TypeError(f"approve must be a function of a call, not {type(policy).__name__}")
        self._policy = policy
        self._tools = tools

    async def decide(self, call: ToolCall[Any]) -> Verdict:
        """The verdict on a call. Whatever a policy raises, or says that is no answer, denies."""
        own = self._tools.policy_for(call.tool_name) if self._tools is not None else None
        try:
            return Verdict(await ruled(own or self._policy, call))
        except Exception as failure:  # noqa: BLE001 - whatever it is, the call must not run
            failure.add_note(
                f"The call {call.tool_call_id!r} of {call.tool_name!r} was denied, since its policy failed."
            )
            # Not the exception's text: it goes to a model, and may hold anything.
            return Verdict(Denial(reason="The approval policy of this client failed."), failure)
