"""What was said, as the GenAI conventions write it: JSON messages of parts. Only used where somebody has asked for it."""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from kai_client._text import mend_surrogates
from kai_client._wire import is_array, is_object
from kai_client.message import UIMessage
from kai_client.message.tools import is_tool_type
from kai_client.transport import redacted

__all__ = ["as_json", "input_messages", "output_messages"]

_TEXTS: Final = ("text", "reasoning")


def input_messages(body: object) -> str | None:
    """The message of a chat request; None where there is none, as in a resumed stream."""
    message: object = body.get("message") if is_object(body) else None
    parts: object = message.get("parts") if is_object(message) else None
    if not is_object(message) or not is_array(parts):
        return None
    return as_json([{"role": message.get("role"), "parts": _parts(part for part in parts if is_object(part))}])


def output_messages(message: UIMessage, began: UIMessage | None, finish_reason: str | None) -> str:
    """What came of it: the parts of the message that it did not have when the response began."""
    before = [dict(part) for part in began.parts] if began is not None else []
    new = [part for part in map(dict, message.parts) if part not in before]
    told: dict[str, object] = {"role": "assistant", "parts": _parts(new)}
    return as_json([told | ({"finish_reason": finish_reason} if finish_reason is not None else {})])


def as_json(value: object) -> str:
    """JSON without any client's token, which a text may quote, and without half characters, which no exporter can encode."""
    return redacted(mend_surrogates(json.dumps(value, ensure_ascii=False, default=str), lone="replace"))


def _parts(parts: Iterable[Mapping[str, object]]) -> list[dict[str, object]]:
    return [told for part in parts for told in _part(part)]


def _part(part: Mapping[str, object]) -> Iterable[dict[str, object]]:
    """A UI part as the parts of the convention: a tool call and its result are two; what is only for a screen is none."""
    kind = str(part.get("type"))
    if kind in _TEXTS:
        yield {"type": kind, "content": str(part.get("text", ""))}
    elif kind == "file":
        yield {"type": "uri", "mime_type": str(part.get("mediaType")), "uri": str(part.get("url"))}
    elif is_tool_type(kind):
        yield from _tool_call(kind, part)


def _tool_call(kind: str, part: Mapping[str, object]) -> Iterable[dict[str, object]]:
    call_id, arguments = str(part.get("toolCallId")), part.get("input")
    name = str(part.get("toolName") or kind.removeprefix("tool-"))
    yield {"type": "tool_call", "id": call_id, "name": name, "arguments": arguments}
    for key in ("output", "errorText"):
        if key in part:
            yield {"type": "tool_call_response", "id": call_id, "response": part[key]}
