"""What was emitted, for tests to look at."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader, MetricsData
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

__all__ = ["Emitted", "Point", "Span"]


@dataclass(frozen=True)
class Span:
    """One span that has ended."""

    name: str
    attributes: Mapping[str, Any]
    events: Sequence[tuple[str, Mapping[str, Any]]]
    id: int
    trace: int
    parent: int | None
    kind: str
    failed: bool
    status: str | None
    seconds: float

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes.get(attribute)


@dataclass(frozen=True)
class Point:
    """One series of a histogram."""

    count: int
    sum: float
    attributes: Mapping[str, Any]


@dataclass
class Emitted:
    """Providers of a test's own, and what came of them."""

    exporter: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)
    reader: InMemoryMetricReader = field(default_factory=InMemoryMetricReader)

    def __post_init__(self) -> None:
        self.tracer_provider = TracerProvider(shutdown_on_exit=False)
        self.tracer_provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.meter_provider = MeterProvider([self.reader], shutdown_on_exit=False)
        self.tracer = self.tracer_provider.get_tracer("tests")

    @property
    def providers(self) -> dict[str, Any]:
        """For `otel.instrument`."""
        return {"tracer_provider": self.tracer_provider, "meter_provider": self.meter_provider}

    def add(self, processor: SpanProcessor) -> None:
        """Another processor."""
        self.tracer_provider.add_span_processor(processor)

    @property
    def spans(self) -> list[Span]:
        """All that have ended, in that order."""
        return [_span(each) for each in self.exporter.get_finished_spans()]

    def named(self, start: str) -> list[Span]:
        """Those whose names begin so."""
        return [span for span in self.spans if span.name.startswith(start)]

    def one(self, start: str) -> Span:
        """The only one whose name begins so."""
        (span,) = self.named(start)
        return span

    def tree(self, root: int | None = None) -> list[Any]:
        """Names as lists: a name, then what is below it, in order of their beginning."""
        spans = sorted(self.exporter.get_finished_spans(), key=lambda each: each.start_time or 0)
        ids = {_id(each) for each in spans}
        below = [each for each in spans if (_parent(each) if _parent(each) in ids else None) == root]
        return [[each.name, *self.tree(_id(each))] for each in below]

    def points(self, name: str) -> list[Point]:
        """The series of a metric."""
        data: MetricsData | None = self.reader.get_metrics_data()
        found: list[Point] = []
        if data is None:
            return found
        for resource in data.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    if metric.name == name:
                        found += [
                            Point(point.count, point.sum, dict(point.attributes or {}))
                            for point in metric.data.data_points
                            if isinstance(point, HistogramDataPoint)
                        ]
        return found

    def text(self) -> str:
        """Everything that an exporter could see."""
        data: MetricsData | None = self.reader.get_metrics_data()
        spans = [json.loads(each.to_json()) for each in self.exporter.get_finished_spans()]
        # As JSON has it without escapes, so that what was said is found in it as it was said.
        return json.dumps(spans, ensure_ascii=False) + (data.to_json() if data is not None else "")


def _id(span: ReadableSpan) -> int:
    return span.context.span_id if span.context is not None else 0


def _parent(span: ReadableSpan) -> int | None:
    return span.parent.span_id if span.parent is not None else None


def _span(span: ReadableSpan) -> Span:
    return Span(
        name=span.name,
        attributes=dict(span.attributes or {}),
        events=[(event.name, dict(event.attributes or {})) for event in span.events],
        id=_id(span),
        trace=span.context.trace_id if span.context is not None else 0,
        parent=_parent(span),
        kind=span.kind.name,
        failed=not span.status.is_unset and not span.status.is_ok,
        status=span.status.description,
        seconds=((span.end_time or 0) - (span.start_time or 0)) / 1e9,
    )
