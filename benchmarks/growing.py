"""Answers of any size, for `growth.py`: their chunks, and their bytes in pieces."""

import json
from collections.abc import Iterator

from .events import DONE, Chunk, frame

__all__ = ["big_event", "in_pieces", "reasoning", "steps", "text", "tool_input"]

_OPENING: Chunk = {"type": "start", "messageId": "m"}
_ENDING: Chunk = {"type": "finish"}


def text(size: int) -> Iterator[Chunk]:
    """An answer in `size` text deltas."""
    yield _OPENING
    yield {"type": "text-start", "id": "0"}
    for _ in range(size):
        yield {"type": "text-delta", "id": "0", "delta": "word "}
    yield {"type": "text-end", "id": "0"}
    yield _ENDING


def reasoning(size: int) -> Iterator[Chunk]:
    """As much reasoning."""
    yield _OPENING
    yield {"type": "reasoning-start", "id": "0"}
    for _ in range(size):
        yield {"type": "reasoning-delta", "id": "0", "delta": "word "}
    yield {"type": "reasoning-end", "id": "0"}
    yield _ENDING


def steps(size: int) -> Iterator[Chunk]:
    """`size` chunks in steps of ten, each with a tool call and a text."""
    yield _OPENING
    for step in range(size // 10):
        call = f"c{step}"
        yield {"type": "start-step"}
        yield {"type": "tool-input-available", "toolCallId": call, "toolName": "t", "input": {}}
        yield {"type": "tool-output-available", "toolCallId": call, "output": [step]}
        yield {"type": "text-start", "id": "0"}
        for _ in range(4):
            yield {"type": "text-delta", "id": "0", "delta": "word "}
        yield {"type": "text-end", "id": "0"}
        yield {"type": "finish-step"}
    yield _ENDING


def tool_input(size: int) -> Iterator[Chunk]:
    """A tool input of `size` bytes in deltas of four."""
    whole = json.dumps({"rows": ["x" * 30] * (size // 34)})
    yield _OPENING
    yield {"type": "tool-input-start", "toolCallId": "c", "toolName": "t"}
    for start in range(0, len(whole), 4):
        yield {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": whole[start : start + 4]}
    yield {"type": "tool-input-available", "toolCallId": "c", "toolName": "t", "input": json.loads(whole)}
    yield _ENDING


def big_event(size: int) -> Iterator[Chunk]:
    """One tool output of about `size` bytes."""
    row = {"id": 1, "name": "customer", "country": "CZ", "note": "x" * 40}
    rows = [row] * (size // len(json.dumps(row, separators=(",", ":"))))
    yield _OPENING
    yield {"type": "tool-input-available", "toolCallId": "c", "toolName": "t", "input": {}}
    yield {"type": "tool-output-available", "toolCallId": "c", "output": rows}
    yield _ENDING


def in_pieces(chunks: Iterator[Chunk], size: int) -> list[bytes]:
    """The bytes of the answer, cut every `size`."""
    whole = b"".join((*map(frame, chunks), DONE))
    return [whole[start : start + size] for start in range(0, len(whole), size)]
