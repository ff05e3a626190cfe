"""Rows as prompts: what is asked, in which chat, under which id."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pydantic import JsonValue

from kai_client._wire import is_object
from kai_client.transport import checked_id

from .rows import Problem, Row
from .template import Template

__all__ = ["Columns", "Prompt", "Reading", "read_prompts"]

_PROMPT_NAMES: Final = ("prompt", "text", "message")


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One thing to ask."""

    id: str
    index: int
    """Its place among the prompts of the input, from 0."""
    line: int
    text: str
    """What is sent."""
    chat_id: str | None = None
    branch_id: int | None = None
    metadata: dict[str, JsonValue] | None = None

    @property
    def hash(self) -> str:
        """What is sent and where to, in short: the same again has the same, in every version of this program."""
        return _hash(self.text, self.chat_id, self.branch_id)


@dataclass(frozen=True, slots=True)
class Columns:
    """Where in a row things stand: `prompt` is by default the first of prompt, text and message that is there."""

    prompt: str | None = None
    id: str | None = None
    template: Template | None = None


@dataclass(slots=True)
class Reading:
    """All the prompts of an input, and all that is wrong with it."""

    prompts: list[Prompt] = field(default_factory=list[Prompt])
    problems: list[Problem] = field(default_factory=list[Problem])


def read_prompts(rows: Iterable[Row | Problem], columns: Columns) -> Reading:
    """The prompts of the rows, in their order.

    A prompt without an id gets one of its text, chat and branch; the second with the same ones has `-2` at its end. So a
    file that grows, or gets other lines in between, keeps the ids that its prompts had.
    """
    reading = Reading()
    lines: dict[str, int] = {}
    alike: Counter[str] = Counter()
    for row in rows:
        try:
            prompt = _prompt(row, columns, len(reading.prompts), alike)
            _require_new(prompt, lines)
        except _Unusable as problem:
            reading.problems.append(Problem(row.line, str(problem)))
        else:
            reading.prompts.append(prompt)
    return reading


class _Unusable(Exception):  # noqa: N818 - one line of the input, not an error of the program
    """What is wrong with a row."""


def _prompt(row: Row | Problem, columns: Columns, index: int, alike: Counter[str]) -> Prompt:
    if isinstance(row, Problem):
        raise _Unusable(row.text)
    rest = dict(row.columns)
    text = _text(rest, columns)
    given = _id(rest.pop(columns.id or "id", None), "id")
    chat_id = _chat_id(rest.pop("chat_id", None))
    branch_id = _branch_id(rest.pop("branch_id", None))
    mine = _hash(text, chat_id, branch_id)
    if given is None:
        alike[mine] += 1
        given = mine if alike[mine] == 1 else f"{mine}-{alike[mine]}"
    return Prompt(
        id=given,
        index=index,
        line=row.line,
        text=text,
        chat_id=chat_id,
        branch_id=branch_id,
        metadata=_metadata(rest),
    )


def _require_new(prompt: Prompt, lines: dict[str, int]) -> None:
    if (other := lines.setdefault(prompt.id, prompt.line)) != prompt.line:
        raise _Unusable(f"the id {prompt.id!r} is that of line {other}, too")


def _text(rest: dict[str, JsonValue], columns: Columns) -> str:
    """The prompt, taken out of `rest`, in its template."""
    names = (columns.prompt,) if columns.prompt is not None else _PROMPT_NAMES
    name = next((name for name in names if name in rest), None)
    everything = dict(rest)
    if is_object(metadata := rest.get("metadata")):
        everything = {**metadata, **everything}
    text = rest.pop(name) if name is not None else None
    if text is not None and not isinstance(text, str):
        raise _Unusable(f"{name!r} is no text")
    if columns.template is not None:
        try:
            text = columns.template.fill({**everything, "prompt": text})
        except KeyError as missing:
            raise _Unusable(
                f"there is no {missing} for the template, only {_named(everything)} (a brace itself is written {{{{)"
            ) from None
    elif name is None:
        raise _Unusable(f"there is no {' or '.join(map(repr, names))} (it has {_named(rest)}): see --prompt-column")
    return _sendable(text)


def _sendable(text: str | None) -> str:
    if text is None or not text.strip():
        raise _Unusable("the prompt is empty")
    try:
        text.encode()
    except UnicodeError:
        raise _Unusable("the prompt is no text: it has half a character") from None
    return text


def _id(value: JsonValue, name: str) -> str | None:
    """A number is a fine id, and an empty cell is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    if value is None or value == "":
        return None
    if not isinstance(value, str):
        raise _Unusable(f"its {name} is neither a text nor a whole number")
    try:
        return checked_id(value, f"its {name}")
    except ValueError as error:
        raise _Unusable(str(error)) from None


def _chat_id(value: JsonValue) -> str | None:
    return _id(value, "chat_id")


def _branch_id(value: JsonValue) -> int | None:
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.strip().isascii() and value.strip().isdecimal():
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise _Unusable("its branch_id is no whole number")


def _metadata(rest: dict[str, JsonValue]) -> dict[str, JsonValue] | None:
    """`metadata`, and beside it every column that means nothing here."""
    given = rest.pop("metadata", None)
    if is_object(given):
        return {**rest, **given} or None
    if given is not None:
        rest["metadata"] = given
    return rest or None


def _named(rest: dict[str, JsonValue]) -> str:
    return ", ".join(map(repr, rest)) or "nothing"


def _hash(*parts: JsonValue) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]
