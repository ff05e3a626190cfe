"""The answer that the server sends: a mixture of AI SDK chunks as a model with tools makes it."""

import json
import random
from collections.abc import Iterator
from functools import cache

__all__ = ["DONE", "chunks", "frame", "frames", "text_length"]

Chunk = dict[str, object]

DONE = b"data: [DONE]\n\n"

_WORDS = (
    *(
        "the",
        "quick",
        "brown",
        "fox",
        "jumps",
        "over",
        "a",
        "lazy",
        "dog",
        "table",
        "bucket",
        "query",
        "select",
        "rows",
    ),
    *(
        "customers",
        "per",
        "country",
        "transformation",
        "is",
        "ready",
        ",",
        ".",
        ":\n\n",
        "- ",
        '"orders"',
        "naïve",
        "—",
    ),
)
_TEXTS_PER_ROUND = 178
"""With them every twelfth chunk or so is a delta of reasoning or tool input."""


def chunks(count: int) -> Iterator[Chunk]:
    """Exactly `count` chunks of one whole answer, at least 7, always the same."""
    words = random.Random(7)  # the answer must not differ from run to run
    left = count - 5

    def text(part: int, deltas: int) -> Iterator[Chunk]:
        yield {"type": "text-start", "id": f"txt-{part}"}
        for _ in range(deltas):
            yield {"type": "text-delta", "id": f"txt-{part}", "delta": f" {words.choice(_WORDS)}"}
        yield {"type": "text-end", "id": f"txt-{part}"}

    yield {"type": "start", "messageId": "msg-1"}
    yield {"type": "start-step"}
    part = 0
    opening = sum(1 for _ in _thought_and_call(0, words))
    while left >= opening + 2 + _TEXTS_PER_ROUND + 2:  # at least an empty text stays for the end
        yield from _thought_and_call(part, words)
        yield from text(part, _TEXTS_PER_ROUND)
        left -= opening + 2 + _TEXTS_PER_ROUND
        part += 1
    yield from text(part, left - 2)
    yield {"type": "data-usage", "data": {"promptTokens": 12, "completionTokens": count}}
    yield {"type": "finish-step"}
    yield {"type": "finish"}


def _thought_and_call(part: int, words: random.Random) -> Iterator[Chunk]:
    """Some reasoning and a tool call, as they come before a text."""
    yield {"type": "reasoning-start", "id": f"rsn-{part}"}
    for _ in range(10):
        yield {"type": "reasoning-delta", "id": f"rsn-{part}", "delta": f" {words.choice(_WORDS)}"}
    yield {"type": "reasoning-end", "id": f"rsn-{part}"}
    call = {"toolCallId": f"call-{part}"}
    value = {"sql": "select country, count(*) from orders group by 1", "limit": part}
    written = json.dumps(value)
    yield {"type": "tool-input-start", **call, "toolName": "query"}
    for start in range(0, len(written), 8):
        yield {"type": "tool-input-delta", **call, "inputTextDelta": written[start : start + 8]}
    yield {"type": "tool-input-available", **call, "toolName": "query", "input": value}
    yield {"type": "tool-output-available", **call, "output": {"rows": [["CZ", 12], ["DE", 7]]}}


def frame(chunk: Chunk) -> bytes:
    """The chunk as it travels, written as the AI SDK writes it."""
    return b"data: " + json.dumps(chunk, separators=(",", ":"), ensure_ascii=False).encode() + b"\n\n"


@cache
def frames(count: int) -> tuple[bytes, ...]:
    """The `count` chunks as they travel, without the `[DONE]` after them."""
    return tuple(frame(chunk) for chunk in chunks(count))


@cache
def text_length(count: int) -> int:
    """Characters of text in an answer of `count` chunks: who accumulates it must end with as many."""
    return sum(len(str(chunk["delta"])) for chunk in chunks(count) if chunk["type"] == "text-delta")
