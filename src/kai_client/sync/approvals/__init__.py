# Made of kai_client/approvals/__init__.py by scripts/generate_sync.py: change that, and run this.
"""Decisions about tool calls: one door, `KaiClient.run`, and the policies that go through it (protocol 2.4, 2.5)."""

from kai_client.approvals.answers import CONFIRMED, DENIED, answered_message, message_asking, tool_result
from kai_client.approvals.decisions import Approval, Decision, Denial, Ruling, ToolCall, decision_of
from kai_client.approvals.ledger import same_json
from kai_client.approvals.results import LocalResult
from kai_client.sync.approvals.catalogue import ToolCatalogue
from kai_client.sync.approvals.judge import Judge
from kai_client.sync.approvals.limited import with_timeout
from kai_client.sync.approvals.local import LocalTools
from kai_client.sync.approvals.policies import all_of, any_of, approve_all, approve_only, by_id, deny_all, first_of
from kai_client.sync.approvals.policy import Policy
from kai_client.sync.approvals.ports import RunClient, RunPlan
from kai_client.sync.approvals.run import ToolRun
from kai_client.sync.approvals.terminal import ask

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
