"""The answer as data on stdout: one JSON object, or a line for each event (docs/cli-output.md)."""

import asyncio
import json
from typing import Any, Final

from kai_client import ChatStream, KaiError, ReasoningUIPart, UIMessage
from kai_client._wire import to_request
from kai_client.events import SSEEvent, ToolCallEvent, UsageInfo
from kai_client.types import JsonObject

from .output import Output

__all__ = ["SCHEMA_VERSION", "EventLines", "NoText", "answer_object", "end_line", "start_line"]

SCHEMA_VERSION: Final = 1
"""Of `-o json` and `-o ndjson`: a field that goes, or changes its meaning, makes it 2; new fields do not."""


class EventLines:
    """Each event as a JSON object on a line of stdout: wire names, nothing that is null, ASCII only.

    So no text of the server can reach a terminal as anything but text.
    """

    def __init__(self, output: Output) -> None:
        self._output = output

    def show(self, event: SSEEvent, call: ToolCallEvent | None) -> None:
        """See `Renderer`."""
        del call
        self._output.data(json.dumps(to_request(event)))

    def end(self) -> None:
        """See `Renderer`."""


class NoText:
    """Shows no text: it comes as data, when all of it is there."""

    waits = False

    def write(self, piece: str) -> None:
        """See `AnswerText`."""

    def new_part(self) -> None:
        """See `AnswerText`."""

    def end(self) -> None:
        """See `AnswerText`."""


def start_line(chat_id: str) -> str:
    """The first line of `-o ndjson`."""
    return json.dumps({"type": "kai-start", "version": SCHEMA_VERSION, "chatId": chat_id})


def end_line(stream: ChatStream | None, error: BaseException | None, exit_code: int) -> str:
    """The last line of `-o ndjson`: how it ended; the only one where no stream was ever asked for."""
    reason = stream.finish_reason if stream is not None else None
    end = {"type": "kai-end", "finishReason": reason, "exitCode": exit_code, "error": _error(error)}
    return json.dumps({key: value for key, value in end.items() if value is not None})


def answer_object(stream: ChatStream | None, error: BaseException | None, exit_code: int) -> str:
    """The one object of `-o json`; with an error, what had arrived: nothing where no stream was ever asked for."""
    message = stream.message if stream is not None else UIMessage(id="", role="assistant", parts=[])
    usage = stream.usage if stream is not None else UsageInfo()
    answer: dict[str, Any] = {
        "version": SCHEMA_VERSION,
        "chatId": stream.chat_id if stream is not None else None,
        "messageId": message.id or None,
        "text": stream.text if stream is not None else "",
        "reasoning": "".join(part.text for part in message.parts if isinstance(part, ReasoningUIPart)) or None,
        "toolCalls": [_call(part.to_dict(), part.tool_name) for part in message.tool_parts],
        "sources": [dict(part) for part in message.parts if part.type.startswith("source-")],
        "usage": {
            "promptTokens": usage.prompt_tokens,
            "completionTokens": usage.completion_tokens,
            "totalTokens": usage.total_tokens,
        },
        "finishReason": stream.finish_reason if stream is not None else None,
        "exitCode": exit_code,
        "error": _error(error),
    }
    return json.dumps(answer)


def _call(part: JsonObject, name: str) -> JsonObject:
    """A call without what only a user interface needs."""
    kept = ("toolCallId", "state", "input", "output", "errorText")
    return {"toolName": name, **{key: part[key] for key in kept if key in part}}


def _error(error: BaseException | None) -> JsonObject | None:
    match error:
        case None:
            return None
        case KeyboardInterrupt() | asyncio.CancelledError():
            return {"code": None, "message": "Interrupted"}
        case KaiError():
            return {"code": error.code, "message": str(error)}
        case _:
            return {"code": None, "message": str(error) or type(error).__name__}
