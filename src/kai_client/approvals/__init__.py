"""Decisions about tool calls: one door, `KaiClient.run`, and the policies that go through it (protocol 2.4, 2.5)."""

from .answers import CONFIRMED, DENIED, answered_message, checked_decision, tool_result
from .decisions import Approval, Decision, Denial, Policy, Ruling, ToolCall, decision_of
from .local import LocalResult, LocalTools

__all__ = [
    "CONFIRMED",
    "DENIED",
    "Approval",
    "Decision",
    "Denial",
    "LocalResult",
    "LocalTools",
    "Policy",
    "Ruling",
    "ToolCall",
    "answered_message",
    "checked_decision",
    "decision_of",
    "tool_result",
]
