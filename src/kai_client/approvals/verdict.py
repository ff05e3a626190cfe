"""What came of asking a policy."""

from contextlib import suppress
from dataclasses import dataclass

from kai_client.telemetry import DecisionEnded

from .decisions import Approval, Decision, Denial

__all__ = ["Verdict", "denied"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a policy said; None leaves the call pending. A policy that failed has denied, and `failure` is why."""

    decision: Decision | None
    failure: Exception | None = None

    @property
    def ending(self) -> DecisionEnded:
        """What an observer is told of it."""
        said = "approved" if isinstance(self.decision, Approval) else "denied"
        return DecisionEnded(decision="pending" if self.decision is None else said, error=self.failure)


def denied(failure: Exception, cause: BaseException | None = None) -> Verdict:
    """A denial with the failure as its reason; the model is not told its text, which may hold anything."""
    if cause is not None:
        failure.__cause__ = cause
    with suppress(Exception):  # an exception may be frozen
        failure.add_note("The tool call that this policy was asked about was denied.")
    return Verdict(Denial(reason="The approval policy of this client failed."), failure)
