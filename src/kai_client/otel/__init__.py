"""OpenTelemetry: spans and metrics of chats, runs, tools and requests. Needs the extra `otel`; off until it is turned on.

    from kai_client import otel

    otel.instrument()

What is emitted is in docs/opentelemetry.md. Nothing that was said is in it unless `capture_content` is on, and never the token.
"""

try:
    from .instrumenting import KaiInstrumentor, instrument, uninstrument
except ModuleNotFoundError as _error:
    if (_error.name or "").partition(".")[0] != "opentelemetry":
        raise
    raise ModuleNotFoundError(
        "kai_client.otel needs the extra `otel`: pip install 'kai-client[otel]'", name=_error.name
    ) from _error

__all__ = ["KaiInstrumentor", "instrument", "uninstrument"]
