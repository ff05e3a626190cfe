"""The message is the one that the AI SDK itself builds of the same chunks, at every moment (protocol 5).

`KAI_CONFORMANCE_EXAMPLES=50000` reads that many sequences of each major, from a new seed unless `KAI_CONFORMANCE_SEED` names
one. Where an older major builds another message than version 7, `version_differences.py` lists it.
"""

from __future__ import annotations

import json
import math
import os
import re
import secrets
from collections import Counter
from collections.abc import Generator

import pytest
import sdk_reducer
from availability import require
from choices import units
from chunk_streams import sequences
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from node_server import unavailable
from pydantic import JsonValue
from sdk_reducer import JsonObject, Reading, SDKReducer, Sequence
from tool_chunks import TOOL_KINDS
from version_differences import DELIBERATE, UNSET, Deliberate, level, split

from kai_client import KaiStreamError, SSEEvent, SSEStreamParser, UIMessage, parse_sse_event
from kai_client.accumulator import Accumulator

ASKED = os.environ.get("KAI_CONFORMANCE_EXAMPLES")
EXAMPLES = int(ASKED or 2000)
SEED = int(os.environ.get("KAI_CONFORMANCE_SEED") or (secrets.randbelow(10**9) if ASKED else 1))

UNKNOWN_TO_THE_SDK = ("text", "tool-call", "step-start", "step-end", "reasoning", "reasoning-part-finish")

SETTINGS = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)


@pytest.fixture(scope="module")
def sdk() -> Generator[SDKReducer]:
    """The SDK's reducers, in a process for all tests."""
    require(unavailable())
    with sdk_reducer.running() as reducer:
        yield reducer


@pytest.mark.timeout(0 if ASKED else 600)  # what fails needs its time to become short
@pytest.mark.parametrize("major", ["v5", "v6", "v7"])
def test_the_message_is_the_sdks_at_every_moment(sdk: SDKReducer, major: str) -> None:
    """Every snapshot of an accepted sequence is the SDK's; of a refused one, strict refuses the same chunk, tolerant none."""
    tally: Counter[str] = Counter()

    @seed(SEED)
    @SETTINGS
    @given(sequences(major, TOOL_KINDS))
    def every_sequence(sequence: Sequence) -> None:
        note(sequence)
        said = sdk.read(sequence)
        tally["sequences"] += 1
        tally["refused" if said.refused is not None else "accepted"] += 1
        tally["compared to the end"] += split(sequence) is None
        tally["snapshots"] += len(said.changes)
        check(sequence, said)

    try:
        every_sequence()
    except BaseException as error:
        error.add_note(f"KAI_CONFORMANCE_SEED={SEED} KAI_CONFORMANCE_EXAMPLES={EXAMPLES} {major}")
        raise
    print(major, f"seed {SEED}", dict(tally))  # noqa: T201 - shown by -rP, and where an assertion below fails
    assert tally["sequences"] >= EXAMPLES
    assert tally["accepted"] > EXAMPLES / 3
    assert tally["refused"] > EXAMPLES / 10
    assert tally["compared to the end"] > EXAMPLES / 2


@pytest.mark.parametrize("known", DELIBERATE, ids=lambda known: known.what)
def test_deliberate_differences(sdk: SDKReducer, known: Deliberate) -> None:
    """Where we differ from version 7 on purpose, both sides are as the list says."""
    said = sdk.read(Sequence("v7", None, known.chunks))
    parser = SSEStreamParser(strict=True)
    for chunk in known.chunks:
        parser.process_event(parse_sse_event(chunk))
    assert parser.message.parts[-1].get(known.field, UNSET) == known.ours
    assert parts_of(said.changes[-1][1])[-1].get(known.field, UNSET) == known.theirs


@pytest.mark.parametrize("kind", UNKNOWN_TO_THE_SDK)
def test_legacy_chunks_mean_nothing_to_the_sdk(sdk: SDKReducer, kind: str) -> None:
    """The chunks of older backends that we read are none to the SDK's reducer."""
    said = sdk.read(Sequence("v7", None, [{"type": kind, "text": "Hi", "toolCallId": "c1", "state": "started"}]))
    assert said == Reading([], None, [])


def check(sequence: Sequence, said: Reading) -> None:
    """Compare what both sides make of a sequence, up to where they part as listed."""
    parted = split(sequence)
    end = len(sequence.chunks) if parted is None else parted
    refused = said.refused if said.refused is not None and said.refused < end else None
    end = end if refused is None else refused
    events = [parse_sse_event(chunk) for chunk in sequence.chunks]
    message = check_tolerant(sequence, events, said, end, must_warn=refused is not None)
    check_strict(sequence, events, refused, message, end)


def check_tolerant(
    sequence: Sequence, events: list[SSEEvent], said: Reading, end: int, *, must_warn: bool
) -> UIMessage:
    """The same snapshots before `end`, without a warning, whatever comes after. Returns the message as it is at `end`."""
    answer = Accumulator(UIMessage.from_dict(sequence.message) if sequence.message else None)
    snapshots: list[tuple[int, UIMessage]] = []
    for index, event in enumerate(events[:end]):
        if answer.apply(event):
            snapshots.append((index, answer.message))
    message = answer.message
    assert not answer.warnings
    for event in events[end:]:
        answer.apply(event)
    assert answer.warnings or not must_warn
    check_text_kept(sequence, answer)
    # Compared only now: what came later has changed none of them.
    theirs = [(index, snapshot) for index, snapshot in said.changes if index < end]
    assert [index for index, _ in snapshots] == [index for index, _ in theirs], "other chunks make a snapshot"
    for (index, ours), (_, expected) in zip(snapshots, theirs, strict=True):
        check_equal(sequence, index, ours.to_dict(), expected)
    errors = [chunk["errorText"] for chunk in sequence.chunks[:end] if chunk["type"] == "error"]
    assert said.errors[: len(errors)] == errors
    return message


def check_strict(sequence: Sequence, events: list[SSEEvent], refused: int | None, message: UIMessage, end: int) -> None:
    """Strict refuses the chunk that the SDK refuses, and none before; looking at every moment changes nothing."""
    parser = SSEStreamParser(message=sequence.message, strict=True)
    for event in events[:end]:
        parser.process_event(event)
        parser.message.to_dict()
    assert parser.message == message
    if refused is not None:
        with pytest.raises(KaiStreamError) as refusal:
            parser.process_event(events[refused])
        assert refusal.value.code == "stream:refused"


HALF = re.compile(r"\\ud[89ab][0-9a-f]{2}(?!\\ud[c-f])|(?<!\\ud[89ab][0-9a-f]{2})\\ud[c-f][0-9a-f]{2}")
"""Half a character, which JavaScript's spread makes of a text in metadata; ours is U+FFFD (docs/ai-sdk-versions.md)."""


def check_equal(sequence: Sequence, index: int, ours: JsonObject, theirs: JsonObject) -> None:
    """Key for key the same JSON, as far as JavaScript's numbers reach."""
    if json.dumps(ours, sort_keys=True) == json.dumps(theirs, sort_keys=True):
        return
    ours, theirs = as_javascript(ours), as_javascript(theirs)
    assert len(parts_of(ours)) == len(parts_of(theirs)), f"after chunk {index}: {ours} is not {theirs}"
    level(sequence, index, parts_of(ours), parts_of(theirs))
    # As text, where true is not 1.
    ours_text, their_text = (
        HALF.sub(r"\\ufffd", json.dumps(message, sort_keys=True, indent=1)) for message in (ours, theirs)
    )
    assert ours_text == their_text, f"after chunk {index}"


def check_text_kept(sequence: Sequence, answer: Accumulator) -> None:
    """All text that has arrived for this message is there, in whatever part."""
    message_id = sequence.message["id"] if sequence.message else ""
    arrived: Counter[str] = Counter()
    for chunk in sequence.chunks:
        if chunk["type"] == "reset-step":
            return  # which takes text back
        if chunk["type"] == "start" and chunk.get("messageId", message_id) != message_id:
            message_id = chunk["messageId"]
            arrived.clear()
        if chunk["type"] in {"text-delta", "reasoning-delta"}:
            arrived.update(units(str(chunk["delta"])))
    assert Counter(units(answer.text + answer.reasoning)) == arrived


def parts_of(message: JsonObject) -> list[JsonObject]:
    """The parts of a message's JSON."""
    parts = message["parts"]
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, dict)]


def as_javascript(message: JsonObject) -> JsonObject:
    """A copy in which numbers are doubles, and those that are too large null, as `JSON.stringify` writes them."""
    return {key: _doubles(value) for key, value in message.items()}


def _doubles(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _doubles(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_doubles(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return value
    double = float(value) + 0.0  # JavaScript writes -0 as 0
    return double if math.isfinite(double) else None
