"""The AI SDK's own reducer, run by Node (`node/reducer.mjs`): chunks in, every snapshot and the refusal out."""

from __future__ import annotations

import json
from collections.abc import Generator
from contextlib import contextmanager
from typing import IO, NamedTuple, TypeAlias

import node_server
from pydantic import JsonValue, TypeAdapter
from server_process import talking

JsonObject: TypeAlias = dict[str, JsonValue]


class Sequence(NamedTuple):
    """What is reduced: chunks of one major, and the message before them, if there is one."""

    major: str
    message: JsonObject | None
    chunks: list[JsonObject]


class Reading(NamedTuple):
    """What the SDK made of a sequence."""

    changes: list[tuple[int, JsonObject]]
    """Every snapshot, with the index of the chunk that made it."""
    refused: int | None
    """The index of the chunk at which the SDK gave up."""
    errors: list[str]
    """What `error` chunks said."""


_READING = TypeAdapter(Reading)


class SDKReducer:
    """A Node process that reads one sequence after the other."""

    def __init__(self, requests: IO[bytes], answers: IO[bytes]) -> None:
        self._requests = requests
        self._answers = answers

    def read(self, sequence: Sequence) -> Reading:
        """What `readUIMessageStream` of the sequence's major makes of it."""
        # ASCII, so that halves of characters can travel; as bytes, whose lines end at "\\n" alone.
        self._requests.write(json.dumps(sequence._asdict()).encode("ascii") + b"\n")
        self._requests.flush()
        line = self._answers.readline()
        if not line:
            raise RuntimeError("The Node process has ended.")
        return _READING.validate_python(json.loads(line))


@contextmanager
def running() -> Generator[SDKReducer]:
    """Yields a reducer whose process ends with the block."""
    with node_server.command("reducer.mjs") as line, talking(line) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield SDKReducer(process.stdin, process.stdout)
