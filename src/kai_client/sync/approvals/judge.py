"""Asks the policies: the tool's own if it has one, else that of the run."""

import inspect
from typing import Any

from kai_client.approvals.decisions import ToolCall
from kai_client.approvals.verdict import Verdict, denied
from kai_client.sync import waits
from kai_client.telemetry import DecisionBegan, observed

from .local import LocalTools
from .policy import ASYNC, Policy, ruled

__all__ = ["Judge"]


class Judge:
    """Decides about one call at a time."""

    def __init__(self, policy: Policy, tools: LocalTools | None) -> None:
        if not callable(policy):
            raise TypeError(f"approve must be a function of a call, not {type(policy).__name__}")
        if inspect.iscoroutinefunction(policy):
            raise TypeError(ASYNC)
        if tools is not None:
            _require_tools(tools)
        self._policy = policy
        self._tools = tools

    def decide(self, call: ToolCall[Any]) -> Verdict:
        """The verdict on a call. Whatever a policy raises, or says that is no answer, denies.

        What it says after the run was closed, or its time was over, comes too late: that raises.
        """
        own = self._tools.policy_for(call.tool_name) if self._tools is not None else None
        waits.check()
        work = DecisionBegan(chat_id=call.chat_id, tool_name=call.tool_name, call_id=call.tool_call_id)
        with observed(work) as seen:
            verdict = _asked(own or self._policy, call)
            waits.check()
            seen.ending = verdict.ending
            return verdict


def _asked(policy: Policy, call: ToolCall[Any]) -> Verdict:
    try:
        return Verdict(ruled(policy, call))
    except (StopIteration, StopAsyncIteration) as error:
        return denied(RuntimeError("The policy raised StopIteration"), error)  # as Python says it of generators
    except Exception as error:  # noqa: BLE001 - whatever it is, the call must not run
        return denied(error)


def _require_tools(tools: LocalTools) -> None:
    """Before anything is sent."""
    if not isinstance(tools, LocalTools):  # pyright: ignore[reportUnnecessaryIsInstance] - a list of functions is none
        raise TypeError(f"tools must be a Toolbox or another LocalTools, not {type(tools).__name__}")
    if inspect.iscoroutinefunction(tools.answer):
        raise TypeError("tools is a toolbox of the async client: this client needs one of kai_client.sync")
