"""Chunk sequences as servers send them, and slightly broken ones: every chunk type of a major with all its optional fields.

A sequence is drawn as bytes, a few per chunk, and a `Scene` makes chunks of them that mostly fit what came before. So
hypothesis can leave a chunk out and simplify any choice, and what is left still is a sequence.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from choices import Choices, units
from first_messages import first_message
from hypothesis import strategies as st
from pydantic import JsonValue
from sdk_reducer import JsonObject, Sequence

BROKEN = 40
"""One chunk in so many means something that is not there."""
TEXT_IDS = ("0", "1")
CALL_IDS = ("c1", "c2", "c3")
APPROVAL_IDS = ("ap1", "ap2")

Maker: TypeAlias = "Callable[[Scene, Choices], JsonObject]"


class Tool(NamedTuple):
    """What a call is, as a rule."""

    name: str
    dynamic: bool


TOOLS = {"c1": Tool("query_data", dynamic=False), "c2": Tool("mcp", dynamic=True), "c3": Tool("a-b", dynamic=False)}


class Scene:
    """What has been said so far, as far as the next chunk has to fit."""

    def __init__(self, major: str, message: JsonObject | None) -> None:
        self.major = int(major[1:])
        self.chunks: list[JsonObject] = []
        self.open: dict[str, list[str]] = {"text": [], "reasoning": []}
        self.calls: list[str] = []
        self.writing: dict[str, list[str]] = {}
        """The units of input that a call still has to write."""
        self.approvals: list[str] = []
        for part in _parts(message):
            self._know(part)

    def _know(self, part: JsonObject) -> None:
        if isinstance(call_id := part.get("toolCallId"), str):
            self.calls.append(call_id)
            if part.get("state") == "input-streaming":
                self.writing[call_id] = units(' "more": [1, "é😀"]}')
            approval = part.get("approval")
            if isinstance(approval, dict) and isinstance(approval_id := approval.get("id"), str):
                self.approvals.append(approval_id)

    def add(self, chunk: JsonObject) -> None:
        """Say it."""
        self.chunks.append(chunk)

    def forget(self) -> None:
        """Nothing that came before can be meant any more."""
        self.open = {"text": [], "reasoning": []}
        self.calls, self.writing, self.approvals = [], {}, []

    def optional(self, choices: Choices, **makers: Callable[[], JsonValue]) -> JsonObject:
        """Some of these fields."""
        return {name: make() for name, make in makers.items() if choices.chance(4)}

    def call_id(self, choices: Choices) -> str | None:
        """The id of a call that has been announced; rarely of any."""
        if choices.chance(BROKEN):
            return choices.pick(CALL_IDS)
        return choices.pick(self.calls) if self.calls else None


def _parts(message: JsonObject | None) -> list[JsonObject]:
    parts = message["parts"] if message is not None else []
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, dict)]


# Text and reasoning


def _text_start(kind: str) -> Maker:
    def make(scene: Scene, choices: Choices) -> JsonObject:
        part_id = choices.pick(TEXT_IDS)
        scene.open[kind].append(part_id)
        fields = scene.optional(choices, providerMetadata=choices.provider_metadata)
        return {"type": f"{kind}-start", "id": part_id, **fields}

    return make


def _text_delta(kind: str) -> Maker:
    def make(scene: Scene, choices: Choices) -> JsonObject:
        broken = choices.chance(BROKEN)
        if not scene.open[kind] and not broken:
            return _text_start(kind)(scene, choices)
        part_id = choices.pick(TEXT_IDS if broken else scene.open[kind])
        delta = choices.pick(("a", "", "bc ", "\ud83d", "\ude00", "é😀", "\u2028", "\u0085", "\x00", "\r\n"))
        fields = scene.optional(choices, providerMetadata=choices.provider_metadata)
        return {"type": f"{kind}-delta", "id": part_id, "delta": delta, **fields}

    return make


def _text_end(kind: str) -> Maker:
    def make(scene: Scene, choices: Choices) -> JsonObject:
        broken = choices.chance(BROKEN)
        if not scene.open[kind] and not broken:
            return _text_start(kind)(scene, choices)
        part_id = choices.pick(TEXT_IDS if broken else scene.open[kind])
        scene.open[kind] = [other for other in scene.open[kind] if other != part_id]
        fields = scene.optional(choices, providerMetadata=choices.provider_metadata)
        if kind == "text" and scene.major >= 7:
            fields |= scene.optional(choices, citations=lambda: choices.pick((CITATIONS, [])))
        return {"type": f"{kind}-end", "id": part_id, **fields}

    return make


CITATIONS: list[JsonValue] = [
    {
        "type": "citation",
        "source": {"type": "source", "sourceType": "url", "id": "s1", "url": "https://example.com"},
        "startIndex": 0,
        "endIndex": 4,
    }
]

# What a chunk may carry without meaning anything by it: fields that other chunks have, and one that none has.
EXTRAS: tuple[JsonObject, ...] = ({"extra": 1}, {"state": "done"}, {"text": "x"}, {"input": {}}, {"output": 1})

# Parts that arrive whole


def _whole(kind: str, required: JsonObject, **optional: str) -> Maker:
    def make(scene: Scene, choices: Choices) -> JsonObject:
        fields = scene.optional(choices, providerMetadata=choices.provider_metadata)
        return {
            "type": kind,
            **required,
            **fields,
            **{key: value for key, value in optional.items() if choices.chance(2)},
        }

    return make


def _steering(scene: Scene, choices: Choices) -> JsonObject:
    parts: list[JsonValue] = [
        {"type": "text", "text": "Stop"},
        {"type": "file", "mediaType": "image/png", "url": "data:,"},
    ]
    return {"type": "steering-message", "id": choices.pick(("s1", "s2")), "parts": parts[: choices.number(3)]}


def _data(scene: Scene, choices: Choices) -> JsonObject:
    fields = {"id": choices.pick(("d1", "d2", "0"))} if choices.chance(2) else {}
    transient = scene.optional(choices, transient=lambda: choices.pick((True, False)))
    return {"type": choices.pick(("data-x", "data-y-z", "data-")), **fields, "data": choices.value(), **transient}


def _usage(scene: Scene, choices: Choices) -> JsonObject:
    fields = scene.optional(choices, id=lambda: "u1")
    return {"type": "data-usage", **fields, "data": {"promptTokens": choices.number(9), "completionTokens": 2}}


# The frame


def _always(chunk: JsonObject) -> Maker:
    def make(_scene: Scene, _choices: Choices) -> JsonObject:
        return chunk

    return make


def _start(scene: Scene, choices: Choices) -> JsonObject:
    fields = scene.optional(choices, messageMetadata=choices.metadata)
    if choices.chance(3):
        return {"type": "start", **fields}
    message_id = choices.pick(("m1", "m1", "m1", "m2", ""))
    last = next((c["messageId"] for c in reversed(scene.chunks) if "messageId" in c), "m1")
    if message_id != last and not choices.chance(4):
        scene.forget()
    return {"type": "start", "messageId": message_id, **fields}


def _finish(scene: Scene, choices: Choices) -> JsonObject:
    reasons = ("stop", "tool-calls", "error", {5: "unknown", 6: "other", 7: "interrupted"}[scene.major])
    fields = scene.optional(choices, finishReason=lambda: choices.pick(reasons), messageMetadata=choices.metadata)
    return {"type": "finish", **fields}


def _metadata(_: Scene, choices: Choices) -> JsonObject:
    return {"type": "message-metadata", "messageMetadata": choices.metadata()}


def _finish_step(scene: Scene, _: Choices) -> JsonObject:
    if scene.major < 7:
        scene.open = {"text": [], "reasoning": []}
    return {"type": "finish-step"}


def _reset_step(scene: Scene, choices: Choices) -> JsonObject:
    if not choices.chance(3):
        scene.forget()
    return {"type": "reset-step"}


def _abort(scene: Scene, choices: Choices) -> JsonObject:
    return {"type": "abort", **(scene.optional(choices, reason=lambda: "user") if scene.major > 5 else {})}


class Kind(NamedTuple):
    """A kind of chunk, how often it comes, and the first major that has it."""

    make: Maker
    weight: int
    since: int = 5


FRAME_AND_CONTENT: tuple[Kind, ...] = (
    Kind(_text_delta("text"), 8),
    Kind(_text_start("text"), 3),
    Kind(_text_end("text"), 3),
    Kind(_text_delta("reasoning"), 4),
    Kind(_text_start("reasoning"), 2),
    Kind(_text_end("reasoning"), 2),
    Kind(_whole("source-url", {"sourceId": "s1", "url": "https://example.com"}, title="T"), 1),
    Kind(_whole("source-document", {"sourceId": "s2", "mediaType": "text/plain", "title": ""}, filename="a.txt"), 1),
    Kind(_whole("file", {"url": "data:,", "mediaType": "text/plain"}), 1),
    Kind(_whole("reasoning-file", {"url": "data:,x", "mediaType": "image/png"}), 1, since=7),
    Kind(_whole("custom", {"kind": "p.k"}), 1, since=7),
    Kind(_steering, 1, since=7),
    Kind(_data, 4),
    Kind(_usage, 1),
    Kind(_start, 2),
    Kind(_always({"type": "start-step"}), 2),
    Kind(_finish_step, 2),
    Kind(_reset_step, 1, since=7),
    Kind(_metadata, 2),
    Kind(_finish, 2),
    Kind(_abort, 1),
    Kind(_always({"type": "error", "errorText": "It broke"}), 1),
)


def sequences(major: str, tool_kinds: tuple[Kind, ...]) -> st.SearchStrategy[Sequence]:
    """Chunk sequences of one major, step by step; steps without their marks, and a first message, now and then."""
    kinds = [kind.make for kind in (*FRAME_AND_CONTENT, *tool_kinds) if int(major[1:]) >= kind.since]
    weights = [kind.weight for kind in (*FRAME_AND_CONTENT, *tool_kinds) if int(major[1:]) >= kind.since]
    table = [make for make, weight in zip(kinds, weights, strict=True) for _ in range(weight)]

    def built(first: bytes, steps: list[tuple[bytes, list[bytes]]]) -> Sequence:
        message = first_message(int(major[1:]), Choices(first))
        scene = Scene(major, message)
        for mark, chunks in steps:
            marked = Choices(mark)
            if not marked.chance(4):
                scene.add({"type": "start-step"})
            for chunk in chunks:
                choices = Choices(chunk)
                made = choices.pick(table)(scene, choices)
                scene.add({**choices.pick(EXTRAS), **made} if choices.chance(16) else made)
            if not marked.chance(4):
                scene.add(_finish_step(scene, marked))
        return Sequence(major, message, scene.chunks)

    token = st.binary(min_size=24, max_size=24)
    short = st.binary(min_size=8, max_size=8)
    return st.builds(built, short, st.lists(st.tuples(short, st.lists(token, max_size=30)), min_size=1, max_size=6))
