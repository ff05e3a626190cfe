"""Decisions about tool calls: one door, `KaiClient.run`, and the policies that go through it (protocol 2.4, 2.5)."""

from .answers import CONFIRMED, DENIED, answered_message, message_asking, tool_result
from .catalogue import ToolCatalogue
from .decisions import Approval, Decision, Denial, Ruling, ToolCall, decision_of
from .judge import Judge
from .ledger import same_json
from .limited import with_timeout
from .local import LocalTools
from .policies import all_of, any_of, approve_all, approve_only, by_id, deny_all, first_of
from .policy import Policy
from .ports import RunClient, RunPlan
from .results import LocalResult
from .run import ToolRun
from .terminal import ask

__all__ = [
    "CONFIRMED",
    "DENIED",
    "Approval",
    "Decision",
    "Denial",
    "Judge",
    "LocalResult",
    "LocalTools",
    "Policy",
    "Ruling",
    "RunClient",
    "RunPlan",
    "ToolCall",
    "ToolCatalogue",
    "ToolRun",
    "all_of",
    "answered_message",
    "any_of",
    "approve_all",
    "approve_only",
    "ask",
    "by_id",
    "decision_of",
    "deny_all",
    "first_of",
    "message_asking",
    "same_json",
    "tool_result",
    "with_timeout",
]
