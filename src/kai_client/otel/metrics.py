"""The metrics of the GenAI conventions."""

from collections.abc import Mapping
from typing import Final

from opentelemetry.metrics import Meter

from kai_client.events import UsageInfo

from . import names

__all__ = ["Instruments"]

Labels = Mapping[str, str | int]

_FIRST: Final = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0]
_DURATION: Final = [0.01 * 2**power for power in range(17)]
"""As the conventions have them, and three more: Kai may work for minutes before it has answered."""
_TOKENS: Final = [4**power for power in range(14)]


class Instruments:
    """One set of histograms."""

    def __init__(self, meter: Meter) -> None:
        self._duration = meter.create_histogram(
            names.OPERATION_DURATION,
            unit="s",
            description="How long an operation took, without the time in which somebody was asked.",
            explicit_bucket_boundaries_advisory=_DURATION,
        )
        self._first = meter.create_histogram(
            names.OPERATION_FIRST_CHUNK,
            unit="s",
            description="From the request to the first event of its answer.",
            explicit_bucket_boundaries_advisory=_FIRST,
        )
        self._tokens = meter.create_histogram(
            names.TOKEN_USAGE,
            unit="{token}",
            description="Input and output tokens of one response.",
            explicit_bucket_boundaries_advisory=_TOKENS,
        )

    def lasted(self, seconds: float, labels: Labels) -> None:
        """An operation is over."""
        self._duration.record(seconds, labels)

    def first_event(self, seconds: float, labels: Labels) -> None:
        """An answer has begun after so long."""
        self._first.record(seconds, labels)

    def used(self, usage: UsageInfo, labels: Labels) -> None:
        """A response has cost this; 0 is what the backend did not tell."""
        for kind, count in (("input", usage.prompt_tokens), ("output", usage.completion_tokens)):
            if count:
                self._tokens.record(count, {**labels, names.TOKEN_TYPE: kind})
