"""Who decides, and how it is asked."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from .decisions import Decision, Ruling, ToolCall, decision_of

__all__ = ["Policy", "ruled"]

Policy: TypeAlias = Callable[[ToolCall[Any]], Ruling | Awaitable[Ruling]]
"""Decides about one call. A sync policy is called in the event loop: let one that waits for somebody be async."""


async def ruled(policy: Policy, call: ToolCall[Any]) -> Decision | None:
    """The decision of a policy, sync or async. Raises what it raises, and `TypeError` for what is no decision."""
    ruling = policy(call)
    return decision_of(await ruling if inspect.isawaitable(ruling) else ruling)
