"""Turning it on and off."""

import os
from typing import Final

from opentelemetry.metrics import MeterProvider, get_meter
from opentelemetry.trace import TracerProvider, get_tracer

from kai_client import telemetry
from kai_client._version import __version__

from .metrics import Instruments
from .observer import OtelObserver
from .spans import Tracing, end_dropped

__all__ = ["KaiInstrumentor", "instrument", "uninstrument"]

_NAME: Final = "kai_client"
_CAPTURE: Final = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"
_YES: Final = frozenset({"true", "span_only", "span_and_event"})
"""What of this variable's values asks for content in spans; we have no events that could carry any."""


def instrument(
    *,
    tracer_provider: TracerProvider | None = None,
    meter_provider: MeterProvider | None = None,
    capture_content: bool | None = None,
    propagate: bool = False,
) -> None:
    """Emit spans and metrics of all clients of this process, async and blocking, over HTTP and NATS, from now on.

    The providers are the global ones unless given; without an SDK there is nobody to emit to, and it costs next to nothing.
    `capture_content` puts what was said, and what tools were given and returned, into spans; None asks the environment
    variable `OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT`, and means no where it is not set. With `propagate`, requests
    carry the W3C headers `traceparent` and `tracestate`, to Keboola, too, and a service on NATS goes on with the trace that it
    is told. Calling it again replaces what was said before.
    """
    if capture_content is None:
        capture_content = os.environ.get(_CAPTURE, "").strip().lower() in _YES
    tracing = Tracing(
        tracer=get_tracer(_NAME, __version__, tracer_provider),
        instruments=Instruments(get_meter(_NAME, __version__, meter_provider)),
        capture_content=capture_content,
    )
    telemetry.observe(OtelObserver(tracing, propagate=propagate))


def uninstrument() -> None:
    """Emit nothing of what begins from now on; what is open is emitted yet."""
    telemetry.observe(None)
    end_dropped()


class KaiInstrumentor:
    """`instrument` in the form that `opentelemetry-instrument`, and whoever knows other instrumentors, looks for."""

    def instrument(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        meter_provider: MeterProvider | None = None,
        capture_content: bool | None = None,
        propagate: bool = False,
        **_others: object,
    ) -> None:
        """See `kai_client.otel.instrument`; keywords of other instrumentors are ignored."""
        instrument(
            tracer_provider=tracer_provider,
            meter_provider=meter_provider,
            capture_content=capture_content,
            propagate=propagate,
        )

    def uninstrument(self, **_others: object) -> None:
        """See `kai_client.otel.uninstrument`."""
        uninstrument()
