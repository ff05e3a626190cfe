"""Who decides, and how it is asked."""

import inspect
from collections.abc import Callable
from typing import Any, Final, TypeAlias

from kai_client.approvals.decisions import Decision, Ruling, ToolCall, decision_of

__all__ = ["ASYNC", "Policy", "ruled"]

ASYNC: Final = "An async policy needs the async client: this one asks functions that return their decision"

Policy: TypeAlias = Callable[[ToolCall[Any]], Ruling]
"""Decides about one call, in the thread that reads the stream."""


def ruled(policy: Policy, call: ToolCall[Any]) -> Decision | None:
    """The decision of a policy. Raises what it raises, and `TypeError` for what is no decision."""
    ruling: object = policy(call)
    if inspect.isawaitable(ruling):
        if inspect.iscoroutine(ruling):
            ruling.close()
        raise TypeError(ASYNC)
    return decision_of(ruling)
