"""OpenTelemetry: spans and metrics of chats, runs, tools and requests. Needs the extra `otel`; off until it is turned on.

    from kai_client import otel

    otel.instrument()

What is emitted is in docs/opentelemetry.md. Nothing that was said is in it unless `capture_content` is on, and never the token.
"""

from kai_client._extras import needs_extra

with needs_extra("otel", __name__):
    from .instrumenting import KaiInstrumentor, instrument, uninstrument

__all__ = ["KaiInstrumentor", "instrument", "uninstrument"]
