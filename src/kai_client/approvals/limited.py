"""A policy that has only so much time."""

import asyncio
from typing import Any

from .decisions import NO, Decision, Denial, Ruling, ToolCall, decision_of
from .policy import Policy, ruled

__all__ = ["with_timeout"]


def with_timeout(policy: Policy, seconds: float, *, otherwise: Ruling = NO) -> Policy:
    """What `policy` says within this time, else `otherwise`, by default a denial.

    Only an async policy can be left in the middle; a sync one holds the event loop until it returns, and is too late then.
    """
    if isinstance(seconds, bool) or not seconds > 0:
        raise ValueError(f"seconds must be a positive number, not {seconds}")
    late = decision_of(otherwise)
    late = Denial(reason=f"Nobody decided within {seconds:g} s.") if late == NO else late

    async def decide(call: ToolCall[Any], /) -> Decision | None:
        loop = asyncio.get_running_loop()
        ends = loop.time() + seconds
        bound = asyncio.timeout_at(ends)
        try:
            async with bound:
                decision = await ruled(policy, call)
        except TimeoutError:
            if not bound.expired():
                raise  # the policy's own
            return late
        return late if loop.time() >= ends else decision

    return decide
