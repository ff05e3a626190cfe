"""Whatever telemetry does, the answer arrives."""

import logging
from typing import Any, NoReturn

import pytest
from emitted import Emitted
from opentelemetry import context, metrics
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider, sampling
from opentelemetry.trace import NoOpTracerProvider

from kai_client import KaiClient, KaiError, approve_all, otel, telemetry
from kai_client.server import ask, fail, say
from kai_client.testing.local import KaiServer


class BrokenError(Exception):
    """What a broken exporter raises."""


class BrokenStart(SpanProcessor):
    """Fails when a span starts."""

    def on_start(self, span: Span, parent_context: context.Context | None = None) -> None:
        """See `SpanProcessor`."""
        raise BrokenError("secret words")


class BrokenEnd(SpanProcessor):
    """Fails when a span ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """See `SpanProcessor`."""
        raise BrokenError("secret words")


class BrokenSampler(sampling.Sampler):
    """Fails when it is asked."""

    def should_sample(self, *args: Any, **options: Any) -> NoReturn:
        """See `Sampler`."""
        raise BrokenError("secret words")

    def get_description(self) -> str:
        """See `Sampler`."""
        return "broken"


class BrokenHistogram(metrics.NoOpHistogram):
    """Fails when it is to record."""

    def record(self, *args: Any, **options: Any) -> NoReturn:
        """See `Histogram`."""
        raise BrokenError("secret words")


class BrokenMeterProvider(metrics.NoOpMeterProvider):
    """Whose histograms fail."""

    def get_meter(self, *args: Any, **options: Any) -> metrics.Meter:
        """See `MeterProvider`."""

        class Meter(metrics.NoOpMeter):
            def create_histogram(self, name: str, *args: Any, **options: Any) -> metrics.Histogram:
                return BrokenHistogram(name)

        return Meter("broken")


class BrokenObserver:
    """An observer whose every method fails; with `late`, its observations do."""

    wants_text = True

    def __init__(self, *, late: bool) -> None:
        self._late = late

    def begin(self, work: telemetry.Work) -> telemetry.Observation:
        """See `Observer`."""
        if not self._late:
            raise BrokenError("secret words")
        return self

    def note(self, what: telemetry.Note) -> None:
        """See `Observer`."""
        raise BrokenError("secret words")

    def headers(self) -> NoReturn:
        """See `Observer`."""
        raise BrokenError("secret words")

    def continuing(self, headers: Any) -> NoReturn:
        """See `Observer`."""
        raise BrokenError("secret words")

    def active(self) -> NoReturn:
        """See `Observation`."""
        raise BrokenError("secret words")

    def end(self, ending: telemetry.Ended) -> None:
        """See `Observation`."""
        raise BrokenError("secret words")


def _turn_on(emitted: Emitted, fault: str) -> None:
    match fault:
        case "observer":
            telemetry.observe(BrokenObserver(late=False))
        case "observation":
            telemetry.observe(BrokenObserver(late=True))
        case "sampler":
            provider = TracerProvider(sampler=BrokenSampler(), shutdown_on_exit=False)
            otel.instrument(tracer_provider=provider, meter_provider=emitted.meter_provider)
        case "meter":
            otel.instrument(tracer_provider=emitted.tracer_provider, meter_provider=BrokenMeterProvider())
        case _:
            emitted.add(BrokenStart() if fault == "start" else BrokenEnd())


FAULTS = ["observer", "observation", "sampler", "start", "end", "meter"]


@pytest.mark.parametrize("fault", FAULTS)
async def test_no_failure_of_telemetry_reaches_the_user(
    emitted: Emitted, kai_server: KaiServer, fault: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Answers, runs, requests and errors are as they were; the log has a line, without the words of what failed."""
    _turn_on(emitted, fault)
    kai_server.kai.reply(ask("make", {}, {}), say("Made."))
    kai_server.kai.reply(fail("No", status=403))
    with caplog.at_level(logging.WARNING, "kai_client"):
        async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
            chat_id = kai.new_chat_id()
            assert await kai.run(chat_id, "Make it", approve=approve_all).get_final_text() == "Made."
            with pytest.raises(KaiError) as caught:
                await kai.chat("Hi")
            assert len((await kai.get_chat(chat_id)).messages) == 2
    assert caught.value.code == "forbidden:chat"
    lines = {record.getMessage() for record in caplog.records if record.name == "kai_client.telemetry"}
    assert lines == {"Telemetry failed: BrokenError"}
    assert context.get_current() == context.Context()


async def test_a_broken_meter_does_not_keep_a_span_from_ending(emitted: Emitted, kai_server: KaiServer) -> None:
    """What can be told is told."""
    _turn_on(emitted, "meter")
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        await kai.chat("Hi")
    assert emitted.one("chat")["kai.outcome"] == "complete"


async def test_a_broken_meter_does_not_hide_a_failure(emitted: Emitted, kai_server: KaiServer) -> None:
    """The span has the status that it would have had."""
    _turn_on(emitted, "meter")
    kai_server.kai.reply(fail("No", status=403))
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        with pytest.raises(KaiError):
            await kai.chat("Hi")
    assert emitted.one("chat").status == "forbidden:chat"


def test_an_ending_that_says_nothing_of_the_answer_is_none_of_a_whole_one(emitted: Emitted) -> None:
    """What cannot be looked at when it ends is not called complete."""
    telemetry.begin(telemetry.ChatBegan(chat_id="c", url="https://kai", body=None)).end(telemetry.Ended())
    assert emitted.one("chat")["kai.outcome"] == "closed"


async def test_without_an_sdk_nothing_happens(emitted: Emitted, kai_server: KaiServer) -> None:
    """A library may turn it on; whether there is anybody to emit to is the program's matter."""
    otel.instrument(tracer_provider=NoOpTracerProvider(), meter_provider=metrics.NoOpMeterProvider(), propagate=True)
    kai_server.kai.reply("Hello")
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        assert (await kai.chat("Hi"))[1] == "Hello"
    assert emitted.spans == []
    assert [request for request in kai_server.requests if "traceparent" in request.headers] == []


async def test_what_is_not_sampled_is_measured_yet(emitted: Emitted, kai_server: KaiServer) -> None:
    """Metrics count every chat, whichever spans are kept."""
    provider = TracerProvider(sampler=sampling.ALWAYS_OFF, shutdown_on_exit=False)
    otel.instrument(tracer_provider=provider, meter_provider=emitted.meter_provider)
    async with KaiClient("some-token", kai_server.url, kai_server.url) as kai:
        await kai.chat("Hi")
    (duration,) = emitted.points("gen_ai.client.operation.duration")
    assert duration.count == 1


async def test_off_is_off(emitted: Emitted, kai_server: KaiServer) -> None:
    """After `uninstrument` nothing begins; what was open is told yet."""
    kai = KaiClient("some-token", kai_server.url, kai_server.url)
    async with kai, kai.send_message(kai.new_chat_id(), "Hi") as stream:
        otel.KaiInstrumentor().uninstrument()
        await stream.get_final_text()
        await kai.chat("Hi")
        await kai.ping()
    assert [span.name for span in emitted.spans] == ["chat chat-model"]
