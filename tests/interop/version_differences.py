"""Where an older major builds another message than version 7, whose reducer ours is: the whole list, as the tests apply it.

Everything else has to be equal. The page `docs/ai-sdk-versions.md` says the same to users.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from pydantic import JsonValue
from sdk_reducer import JsonObject, Sequence

ANNOUNCING = ("tool-input-start", "tool-input-available", "tool-input-error")
RESULTS = ("tool-output-available", "tool-output-error")
_HALF_ESCAPE = re.compile(r"\\u(?![0-9a-fA-F]{4})")
_NO_FIRST_ITEM = re.compile(r"""\[[ \t\r\n]*[^] \t\r\n"{\[tfn0-9]""")


class Parts(NamedTuple):
    """One part of one snapshot, as we have it and as the SDK has it; rules change both."""

    ours: JsonObject
    theirs: JsonObject


class Deliberate(NamedTuple):
    """Where we differ from version 7 on purpose: one field of the last part."""

    what: str
    reason: str
    chunks: list[JsonObject]
    field: str
    ours: JsonValue
    theirs: JsonValue


class Split(NamedTuple):
    """From one chunk on the older major goes its own way: what comes before is equal, the rest is not compared."""

    majors: tuple[str, ...]
    what: str
    reason: str
    since: Callable[[Sequence], Iterator[int]]
    """The indexes of the chunks at which it happens."""


class Rule(NamedTuple):
    """Some fields of some parts differ, by a rule; everything else is equal."""

    majors: tuple[str, ...]
    what: str
    reason: str
    concerns: Callable[[Sequence, int], set[str]]
    """The call ids, or part types, whose parts the chunks up to that index have made differ."""
    apply: Callable[[Parts], None]


def _closed_by_finish_step(sequence: Sequence) -> Iterator[int]:
    open_ids: set[object] = set()
    closed_ids: set[object] = set()
    for index, chunk in enumerate(sequence.chunks):
        kind, _, action = str(chunk["type"]).rpartition("-")
        key = (kind, chunk.get("id"))
        if chunk["type"] == "finish-step":
            closed_ids |= open_ids
            open_ids = set()
        elif kind in {"text", "reasoning"} and action == "start":
            open_ids.add(key)
            closed_ids.discard(key)
        elif kind in {"text", "reasoning"} and key in closed_ids:
            yield index


def _static_or_dynamic_changes(sequence: Sequence) -> Iterator[int]:
    dynamic = {part["toolCallId"]: part["type"] == "dynamic-tool" for part in _first_calls(sequence)}
    for index, chunk in enumerate(sequence.chunks):
        flag = bool(chunk.get("dynamic"))
        if chunk["type"] in ANNOUNCING and dynamic.setdefault(chunk["toolCallId"], flag) != flag:
            yield index
        if chunk["type"] in RESULTS and dynamic.get(chunk["toolCallId"], flag) != flag:
            yield index


def _static_call_renamed(sequence: Sequence) -> Iterator[int]:
    names = {part["toolCallId"]: str(part["type"]).partition("-")[2] for part in _first_calls(sequence)}
    for index, chunk in enumerate(sequence.chunks):
        static = chunk["type"] in ANNOUNCING and not chunk.get("dynamic")
        if static and names.setdefault(chunk["toolCallId"], str(chunk["toolName"])) != chunk["toolName"]:
            yield index


def _first_calls(sequence: Sequence) -> list[JsonObject]:
    parts = sequence.message["parts"] if sequence.message else []
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, dict) and "toolCallId" in part]


def _said(kind: str, *fields: str) -> Callable[[Sequence, int], set[str]]:
    """The calls of which such a chunk with such fields has spoken."""

    def concerns(sequence: Sequence, index: int) -> set[str]:
        chunks = sequence.chunks[: index + 1]
        return {
            str(chunk["toolCallId"]) for chunk in chunks if chunk["type"] == kind and all(f in chunk for f in fields)
        }

    return concerns


def _input_text_had(pattern: re.Pattern[str]) -> Callable[[Sequence, int], set[str]]:
    """The calls whose input text has once, as far as it had come, had such a place."""

    def concerns(sequence: Sequence, index: int) -> set[str]:
        texts = {str(part["toolCallId"]): str(part.get("rawInput", "")) for part in _first_calls(sequence)}
        found: set[str] = set()
        for chunk in sequence.chunks[: index + 1]:
            call_id = str(chunk.get("toolCallId"))
            if chunk["type"] == "tool-input-start":
                texts[call_id] = ""
            elif chunk["type"] == "tool-input-delta":
                texts[call_id] = texts.get(call_id, "") + str(chunk["inputTextDelta"])
                found |= {call_id} if pattern.search(texts[call_id]) else set[str]()
        return found

    return concerns


def _input_is_raw(parts: Parts) -> None:
    """Theirs is under `rawInput`, or gone since a later result has cleared that."""
    refused = parts.theirs["type"] != "dynamic-tool" and "rawInput" not in parts.ours  # else it is being written
    if refused and "input" in parts.ours and "input" not in parts.theirs:
        assert parts.theirs.pop("rawInput", parts.ours["input"]) == parts.ours.pop("input")


def _not_compared(*keys: str) -> Callable[[Parts], None]:
    def apply(parts: Parts) -> None:
        for key in keys:
            parts.ours.pop(key, None)
            parts.theirs.pop(key, None)

    return apply


def _always(part_type: str) -> Callable[[Sequence, int], set[str]]:
    def concerns(_sequence: Sequence, _index: int) -> set[str]:
        return {part_type}

    return concerns


def _input_unset(parts: Parts) -> None:
    if "input" not in parts.theirs:
        parts.ours.pop("input", None)


UNSET = "(unset)"


def _writing(text: str) -> list[JsonObject]:
    return [
        {"type": "tool-input-start", "toolCallId": "c1", "toolName": "q"},
        {"type": "tool-input-delta", "toolCallId": "c1", "inputTextDelta": text},
    ]


DELIBERATE: tuple[Deliberate, ...] = (
    Deliberate(
        "integers are exact",
        "JavaScript's numbers are doubles; Python has the number that was sent",
        [{"type": "data-x", "data": 2**53 + 1}],
        "data",
        2**53 + 1,
        2**53,
    ),
    Deliberate(
        "a number beyond the range of doubles is infinite, not null",
        "so Python's JSON decoder reads it; only JavaScript's encoder makes it null",
        _writing("[1e400"),
        "input",
        [math.inf],
        [None],
    ),
    Deliberate(
        "partial input may have the key `__proto__`",
        "the SDK refuses such texts to protect JavaScript's prototypes; in Python it is a key like any other",
        _writing('{"__proto__":1'),
        "input",
        {"__proto__": 1},
        UNSET,
    ),
    Deliberate(
        "so may it have `constructor` with a `prototype`",
        "as above",
        _writing('{"constructor":{"prototype":1}}'),
        "input",
        {"constructor": {"prototype": 1}},
        UNSET,
    ),
    Deliberate(
        "a count of `data-usage` that is null is left out of the part",
        "`UsageEvent` reads counts that are none as 0 and does not keep them",
        [{"type": "data-usage", "data": {"promptTokens": 1, "completionTokens": None}}],
        "data",
        {"promptTokens": 1},
        {"promptTokens": 1, "completionTokens": None},
    ),
)

SPLITS: tuple[Split, ...] = (
    Split(
        ("v5", "v6"),
        "text or reasoning that goes on after `finish-step` is refused",
        "before 7.0.79 `finish-step` forgets the open texts; servers of version 7 let them go on",
        _closed_by_finish_step,
    ),
    Split(
        ("v5",),
        "a call that is static here and dynamic there",
        "version 5 goes by each chunk's `dynamic` flag, later ones by the part that is there",
        _static_or_dynamic_changes,
    ),
    Split(
        ("v5",),
        "a static call whose tool gets another name keeps the first",
        "only since 6.0.313 and 7.0.147 a repaired tool name reaches the part",
        _static_call_renamed,
    ),
)

RULES: tuple[Rule, ...] = (
    Rule(
        ("v5", "v6"),
        "the input that `tool-input-error` refuses is the static part's `rawInput`, not its `input`",
        "version 7 made it `input` and deprecated `rawInput` of failed calls",
        _said("tool-input-error"),
        _input_is_raw,
    ),
    Rule(
        ("v5",),
        "provider metadata of `tool-input-error` counts for the call if at all, not for the result",
        "version 5 has no `resultProviderMetadata`",
        _said("tool-input-error", "providerMetadata"),
        _not_compared("callProviderMetadata", "resultProviderMetadata"),
    ),
    Rule(
        ("v5",),
        "`providerExecuted` of a dynamic call's output is lost",
        "version 5 does not copy it",
        _said("tool-output-available", "providerExecuted", "dynamic"),
        _not_compared("providerExecuted"),
    ),
    Rule(
        ("v5",),
        "while half of a `\\uXXXX` has arrived the partial `input` is unset",
        "version 5's repair of partial JSON closes the string behind the half escape",
        _input_text_had(_HALF_ESCAPE),
        _input_unset,
    ),
    Rule(
        ("v5", "v6"),
        "while an array begins with a lone minus, or with what begins no value, the partial `input` is unset",
        "before version 7 the repair of partial JSON keeps whatever follows the bracket",
        _input_text_had(_NO_FIRST_ITEM),
        _input_unset,
    ),
    Rule(
        ("v5",),
        "files lose their provider metadata",
        "version 5 does not copy it",
        _always("file"),
        _not_compared("providerMetadata"),
    ),
)


def split(sequence: Sequence) -> int | None:
    """The index of the chunk from which on the sequence is not compared; None for all of it."""
    found = [index for known in SPLITS if sequence.major in known.majors for index in known.since(sequence)]
    return min(found, default=None)


def level(sequence: Sequence, index: int, ours: list[JsonObject], theirs: list[JsonObject]) -> None:
    """Take the differences that rules explain out of the parts of a snapshot."""
    for rule in RULES:
        concerned = rule.concerns(sequence, index) if sequence.major in rule.majors else set[str]()
        for parts in map(Parts, ours, theirs) if concerned else ():
            if not concerned.isdisjoint({str(parts.theirs.get("toolCallId")), str(parts.theirs["type"])}):
                rule.apply(parts)
