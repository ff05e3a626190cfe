"""Asks the policies: the tool's own if it has one, else that of the run."""

import asyncio
import inspect
from contextlib import AbstractContextManager
from typing import Any

from kai_client.exceptions import KaiError
from kai_client.telemetry import DecisionBegan, observed

from .decisions import ToolCall
from .local import LocalTools
from .policy import Policy, ruled
from .verdict import Verdict, denied

__all__ = ["Judge"]


class Judge:
    """Decides about one call at a time."""

    def __init__(self, policy: Policy, tools: LocalTools | None) -> None:
        if not callable(policy):
            raise TypeError(f"approve must be a function of a call, not {type(policy).__name__}")
        if tools is not None:
            _require_tools(tools)
        self._policy = policy
        self._tools = tools

    async def decide(self, call: ToolCall[Any]) -> Verdict:
        """The verdict on a call. Whatever a policy raises, or says that is no answer, denies."""
        work = DecisionBegan(chat_id=call.chat_id, tool_name=call.tool_name, call_id=call.tool_call_id)
        with observed(work) as seen:
            verdict = await self._verdict(call)
            seen.ending = verdict.ending
            return verdict

    async def _verdict(self, call: ToolCall[Any]) -> Verdict:
        own = self._tools.policy_for(call.tool_name) if self._tools is not None else None
        task = asyncio.current_task()
        before = task.cancelling() if task is not None else 0
        try:
            decision = await ruled(own or self._policy, call)
        except asyncio.CancelledError as error:
            if task is None or task.cancelling() > before:
                raise
            return denied(KaiError("The policy was cancelled by itself", "approval:policy"), error)
        except (StopIteration, StopAsyncIteration) as error:
            return denied(RuntimeError("The policy raised StopIteration"), error)  # as Python says it of generators
        except Exception as error:  # noqa: BLE001 - whatever it is, the call must not run
            return denied(error)
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError  # the policy has swallowed it: its yes comes too late
        return Verdict(decision)


def _require_tools(tools: LocalTools) -> None:
    """Before anything is sent. A blocking toolbox would run a tool, and only then be found to be none for us."""
    if not isinstance(tools, LocalTools):  # pyright: ignore[reportUnnecessaryIsInstance] - a list of functions is none
        raise TypeError(f"tools must be a Toolbox or another LocalTools, not {type(tools).__name__}")
    if isinstance(tools, AbstractContextManager) and not inspect.iscoroutinefunction(tools.answer):
        raise TypeError("tools is a toolbox of kai_client.sync: this client needs one of kai_client")
