"""A policy that has only so much time."""

import time
from typing import Any

from kai_client.approvals.decisions import NO, Decision, Denial, Ruling, ToolCall, decision_of

from .policy import Policy, ruled

__all__ = ["with_timeout"]


def with_timeout(policy: Policy, seconds: float, *, otherwise: Ruling = NO) -> Policy:
    """What `policy` says within this time, else `otherwise`, by default a denial.

    A function cannot be left in the middle: it is waited for until it returns, and what it says is too late then.
    """
    if isinstance(seconds, bool) or not seconds > 0:
        raise ValueError(f"seconds must be a positive number, not {seconds}")
    late = decision_of(otherwise)
    late = Denial(reason=f"Nobody decided within {seconds:g} s.") if late == NO else late

    def decide(call: ToolCall[Any], /) -> Decision | None:
        ends = time.monotonic() + seconds
        decision = ruled(policy, call)
        return late if time.monotonic() >= ends else decision

    return decide
