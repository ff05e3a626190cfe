"""A line of the output: one JSON object for each prompt.

| Key | Value |
| --- | --- |
| `version` | 1; a later schema has a higher number |
| `id`, `index` | the prompt's id, and its place in the input, from 0 |
| `prompt_hash` | of text, chat and branch: tells whether the prompt of an id has changed |
| `chat_id` | the chat in which the answer is, to go on with `kai chat --chat-id` |
| `status` | `ok`, `denied` (answered, but a tool was refused on the way) or `failed` |
| `answer` | the text; null where it failed: half an answer is none |
| `finish_reason`, `usage` | why the answer ended, and its tokens (snake case); null where nobody says |
| `tool_calls` | a list of `{"name", "state"}`, with the states of the AI SDK: `output-available`, `output-error` ... |
| `seconds`, `attempts` | how long the last attempt took, and how often the prompt was sent; 0 for one that never was |
| `error` | `{"code", "message", "retryable"}`, only where it failed; `retryable`: asking again may help |
| `metadata` | that of the prompt, and its other columns; only where there are any |
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, cast

from pydantic import JsonValue

from kai_client._wire import decode_json, is_object

from .prompts import Prompt

__all__ = ["START", "VERSION", "Done", "Fault", "Record", "Reply", "Status", "ToolUse", "done_of"]

VERSION: Final = 1
START: Final = b'{"version": 1, "id": "'
"""How every line begins."""

Status: TypeAlias = Literal["ok", "failed", "denied"]

ToolUse: TypeAlias = tuple[str, str]
"""A tool's name, and the state in which its call was left."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """A whole answer; `denied` says whether a tool was refused on the way.

    `chat_id` is the chat in which it is, where that is not the one that was asked for.
    """

    text: str
    finish_reason: str | None = None
    usage: dict[str, int] | None = None
    tool_calls: Sequence[ToolUse] = ()
    denied: bool = False
    chat_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Why there is no answer; `retryable` says whether asking again may help."""

    code: str | None
    message: str
    retryable: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """What became of a prompt. Exactly one of `reply` and `fault` is there."""

    prompt: Prompt
    chat_id: str
    reply: Reply | None = None
    fault: Fault | None = None
    seconds: float
    """How long the last attempt took."""
    attempts: int

    @property
    def status(self) -> Status:
        """The one word."""
        if self.reply is None:
            return "failed"
        return "denied" if self.reply.denied else "ok"

    def line(self) -> str:
        """The JSON object, ASCII only: no text of the server's can reach a terminal as anything but text."""
        reply = self.reply or Reply(text="")
        record: dict[str, JsonValue] = {
            "version": VERSION,
            "id": self.prompt.id,
            "index": self.prompt.index,
            "prompt_hash": self.prompt.hash,
            "chat_id": self.chat_id,
            "status": self.status,
            "answer": reply.text if self.reply else None,
            "finish_reason": reply.finish_reason,
            "usage": cast("JsonValue", reply.usage),
            "tool_calls": [{"name": name, "state": state} for name, state in reply.tool_calls],
            "seconds": round(self.seconds, 3),
            "attempts": self.attempts,
        }
        if self.fault is not None:
            fault = self.fault
            record["error"] = {"code": fault.code, "message": fault.message, "retryable": fault.retryable}
        if self.prompt.metadata is not None:
            record["metadata"] = self.prompt.metadata
        return json.dumps(record)


@dataclass(frozen=True, slots=True)
class Done:
    """What an earlier run left of a prompt, without the answer: that stays in the file."""

    hash: str
    status: Status
    code: str | None


def done_of(line: bytes) -> tuple[str, Done]:
    """The id and what was done, of a line of the output. Raises `ValueError` for any other line."""
    try:
        value = decode_json(line.decode())
    except ValueError:
        value = None
    match value:
        case {
            "version": 1,
            "id": str(key),
            "prompt_hash": str(mark),
            "status": ("ok" | "failed" | "denied") as status,
            **rest,
        }:
            error = rest.get("error")
            code = error.get("code") if is_object(error) else None
            return key, Done(mark, status, code if isinstance(code, str) else None)
        case {"version": int(version)} if version > VERSION:
            raise ValueError("it was written by a later version of kai")
        case _:
            raise ValueError("it is no answer of `kai batch`")
