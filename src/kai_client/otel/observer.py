"""What the client tells, as spans and metrics."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from kai_client._wire import is_object
from kai_client.telemetry import (
    ChatBegan,
    DecisionBegan,
    Note,
    Observation,
    RequestBegan,
    Retry,
    RunBegan,
    ToolBegan,
    Work,
)

from . import names
from .content import as_json, input_messages
from .failures import error_type
from .peers import chat_id_of, peer, template
from .spans import AnswerSpan, DecisionSpan, Tracing, WorkSpan

__all__ = ["OtelObserver"]

_W3C: Final = TraceContextTextMapPropagator()
"""`traceparent` and `tracestate`, whatever else a program propagates: baggage may hold what is nobody else's business."""


class OtelObserver:
    """See `kai_client.telemetry.Observer`. `propagate`: the other side is told of the trace, and believed about it."""

    def __init__(self, tracing: Tracing, *, propagate: bool) -> None:
        self._tracing = tracing
        self._propagate = propagate

    def begin(self, work: Work) -> Observation:
        """A span for it, below the one that is current."""
        match work:
            case ChatBegan():
                return self._chat(work)
            case RunBegan():
                return self._run(work)
            case ToolBegan():
                return self._tool(work)
            case DecisionBegan():
                return self._decision(work)
            case RequestBegan():
                return self._request(work)

    def note(self, what: Note) -> None:
        """An event of the span that is current."""
        span = trace.get_current_span()
        if isinstance(what, Retry):
            told: dict[str, str | int | float] = {
                names.ATTEMPT: what.attempt,
                names.RETRY_WAIT: what.wait,
                names.ERROR_TYPE: error_type(what.error),
                names.ERROR_CLASS: type(what.error).__qualname__,
            }
            span.add_event(names.RETRY_EVENT, told)
        else:
            span.add_event(names.RECOVERY_EVENT, {names.FOUND: what.found})

    def headers(self) -> Mapping[str, str]:
        """The trace context of the span that is current."""
        carrier: dict[str, str] = {}
        if self._propagate:
            _W3C.inject(carrier)
        return carrier

    @contextmanager
    def continuing(self, headers: Mapping[str, str]) -> Generator[None]:
        """The trace context of whoever asks, unless a middleware has seen to that."""
        if not self._propagate or trace.get_current_span().get_span_context().is_valid:
            yield
            return
        token = context.attach(_W3C.extract(headers))
        try:
            yield
        finally:
            context.detach(token)

    def _chat(self, work: ChatBegan) -> Observation:
        model: object = work.body.get("selectedChatModel") if is_object(work.body) else None
        known: dict[str, str | int] = {names.REQUEST_MODEL: model} if isinstance(model, str) else {}
        labels = {**_operation(names.CHAT), **known, **peer(work.url)}
        told = {**labels, names.REQUEST_STREAM: True, names.CONVERSATION_ID: work.chat_id}
        if self._tracing.capture_content and (said := input_messages(work.body)) is not None:
            told[names.INPUT_MESSAGES] = said
        return AnswerSpan(self._tracing, " ".join([names.CHAT, *map(str, known.values())]), told, labels)

    def _run(self, work: RunBegan) -> Observation:
        labels = {**_operation(names.INVOKE_AGENT), names.AGENT_NAME: names.AGENT, **peer(work.url)}
        told = {**labels, names.CONVERSATION_ID: work.chat_id}
        return AnswerSpan(self._tracing, f"{names.INVOKE_AGENT} {names.AGENT}", told, labels, is_run=True)

    def _tool(self, work: ToolBegan) -> Observation:
        told = {**_operation(names.EXECUTE_TOOL), names.TOOL_NAME: work.name, names.TOOL_TYPE: "function"}
        if work.call_id is not None:
            told[names.TOOL_CALL_ID] = work.call_id
        if self._tracing.capture_content:
            told[names.TOOL_ARGUMENTS] = as_json(work.input)
        return WorkSpan(self._tracing, f"{names.EXECUTE_TOOL} {work.name}", told, SpanKind.INTERNAL)

    def _decision(self, work: DecisionBegan) -> Observation:
        told = {
            names.CONVERSATION_ID: work.chat_id,
            names.TOOL_NAME: work.tool_name,
            names.TOOL_CALL_ID: work.call_id,
        }
        return DecisionSpan(self._tracing, f"decide {work.tool_name}", told, SpanKind.INTERNAL)

    def _request(self, work: RequestBegan) -> Observation:
        path = template(work.path)
        told: dict[str, str | int] = {names.HTTP_METHOD: work.method, names.URL_TEMPLATE: path, **peer(work.url)}
        if (chat_id := chat_id_of(work.path)) is not None:
            told[names.CONVERSATION_ID] = chat_id
        return WorkSpan(self._tracing, f"{work.method} {path}", told)


def _operation(name: str) -> dict[str, str | int]:
    return {names.OPERATION_NAME: name, names.PROVIDER_NAME: names.PROVIDER}
