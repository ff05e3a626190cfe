"""One span: made when work begins, current while the client works on it, ended once, whatever happens to it."""

from collections import deque
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter, time_ns
from typing import Final

from opentelemetry import context, trace
from opentelemetry.trace import Span, SpanKind

from kai_client.telemetry import AnswerEnded, DecisionEnded, Ended, ToolEnded

from . import names
from .content import as_json, output_messages
from .failures import error_type, fail, is_failure, outcome
from .metrics import Instruments, Labels

__all__ = ["AnswerSpan", "DecisionSpan", "Tracing", "WorkSpan", "end_dropped"]

_RUN: Final = context.create_key("kai-client-run")
"""Under it the context has the `Waiting` of a run."""

_dropped: Final[deque[tuple[Span, int]]] = deque()
"""Spans of streams that were dropped without being closed, and when. The garbage collector finds them, anywhere, and a span
has locks, and the exporters that it calls: so they end with the next span."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Tracing:
    """What all spans share."""

    tracer: trace.Tracer
    instruments: Instruments
    capture_content: bool


@dataclass(slots=True)
class Waiting:
    """For how many seconds somebody has been asked in a run."""

    seconds: float = 0.0


def end_dropped() -> None:
    """End what was dropped since the last time."""
    while _dropped:
        span, moment = _dropped.popleft()
        span.set_attribute(names.OUTCOME, "dropped")
        span.end(moment)


class WorkSpan:
    """Work, and what is told of how it ended."""

    def __init__(
        self,
        tracing: Tracing,
        name: str,
        attributes: Mapping[str, str | int | bool],
        kind: SpanKind = SpanKind.CLIENT,
    ) -> None:
        end_dropped()
        self._tracing = tracing
        self._began = perf_counter()
        self._span = tracing.tracer.start_span(name, kind=kind, attributes=attributes)
        self._context = trace.set_span_in_context(self._span)
        self._is_over = False

    @property
    def wants_text(self) -> bool:
        """See `Observation`."""
        return self._tracing.capture_content

    @contextmanager
    def active(self) -> Generator[None]:
        """See `Observation`. Attached by the block that detaches it, never across a `yield` to the user."""
        token = context.attach(self._context)
        try:
            yield
        finally:
            context.detach(token)

    def end(self, ending: Ended) -> None:
        """See `Observation`."""
        if self._is_over:
            return
        self._is_over = True
        try:
            if ending.error is not None and is_failure(ending.error):
                fail(self._span, ending.error)
            self._tell(ending)
        finally:
            self._span.end()
            end_dropped()

    def _tell(self, ending: Ended) -> None:
        """Set the attributes that the ending has."""
        if isinstance(ending, ToolEnded) and ending.error is None and self._tracing.capture_content:
            self._span.set_attribute(names.TOOL_RESULT, as_json(ending.output))

    def __del__(self) -> None:
        # Work that did not begin has no span.
        if not getattr(self, "_is_over", True):
            _dropped.append((self._span, time_ns()))


class DecisionSpan(WorkSpan):
    """A question to a policy. Its time is not the run's, nor that of the chat that waits for it."""

    def _tell(self, ending: Ended) -> None:
        waiting = context.get_value(_RUN, self._context)
        if isinstance(waiting, Waiting):
            waiting.seconds += perf_counter() - self._began
        if isinstance(ending, DecisionEnded):
            self._span.set_attribute(names.DECISION, ending.decision)


class AnswerSpan(WorkSpan):
    """A chat or a run, with its metrics. `labels` are the attributes of those; a run's tokens are those of its chats."""

    def __init__(
        self,
        tracing: Tracing,
        name: str,
        attributes: Mapping[str, str | int | bool],
        labels: Labels,
        *,
        is_run: bool = False,
    ) -> None:
        super().__init__(tracing, name, attributes, SpanKind.INTERNAL if is_run else SpanKind.CLIENT)
        self._labels = labels
        self._is_run = is_run
        if is_run:
            self._context = context.set_value(_RUN, Waiting(), self._context)
        waiting = context.get_value(_RUN, self._context)
        self._waiting = waiting if isinstance(waiting, Waiting) else Waiting()
        self._waited_before = self._waiting.seconds

    def _tell(self, ending: Ended) -> None:
        waited = self._waiting.seconds - self._waited_before
        seconds = perf_counter() - self._began - waited
        answer = ending if isinstance(ending, AnswerEnded) else None
        self._span.set_attribute(names.OUTCOME, outcome(ending.error, is_whole=answer is not None and answer.is_whole))
        if waited:
            self._span.set_attribute(names.WAITED, waited)
        if answer is not None and self._span.is_recording():
            self._describe(answer)
        with self.active():  # exemplars name the span that is current
            self._measure(seconds, ending)

    def _measure(self, seconds: float, ending: Ended) -> None:
        instruments, labels = self._tracing.instruments, dict(self._labels)
        if isinstance(ending, AnswerEnded) and not self._is_run:
            if ending.first_event is not None:
                instruments.first_event(ending.first_event, labels)
            instruments.used(ending.usage, labels)
        if ending.error is not None and is_failure(ending.error):
            labels[names.ERROR_TYPE] = error_type(ending.error)
        instruments.lasted(seconds, labels)

    def _describe(self, answer: AnswerEnded) -> None:
        span, usage = self._span, answer.usage
        told = {
            names.RESPONSE_ID: answer.message.id,
            names.REQUEST_ID: answer.request_id,
            names.TIME_TO_FIRST_CHUNK: answer.first_event,
            names.INPUT_TOKENS: usage.prompt_tokens,
            names.OUTPUT_TOKENS: usage.completion_tokens,
            names.CACHE_READ_TOKENS: usage.cache_read_tokens,
            names.CACHE_WRITE_TOKENS: usage.cache_write_tokens,
            names.REASONING_TOKENS: usage.reasoning_tokens,
        }
        span.set_attributes({name: value for name, value in told.items() if value})
        if answer.finish_reason is not None:
            span.set_attribute(names.FINISH_REASONS, [answer.finish_reason])
        if self._is_run:
            return
        for call in answer.tool_calls:
            known = {
                names.TOOL_NAME: call.tool_name,
                names.TOOL_CALL_ID: call.tool_call_id,
                names.TOOL_STATE: call.state,
            }
            span.add_event(names.TOOL_CALL_EVENT, {name: value for name, value in known.items() if value})
        if self._tracing.capture_content:
            said = output_messages(answer.message, answer.began, answer.finish_reason)
            span.set_attribute(names.OUTPUT_MESSAGES, said)
