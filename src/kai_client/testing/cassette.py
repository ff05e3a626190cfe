"""A recorded conversation as a file: TOML, so that it can be read, compared line by line, and edited.

    kai-recording = 1
    services = ["kai-agent"]

    [[exchange]]
    request = "POST /kai-agent/api/chat"
    sent = '''
    {...}'''
    status = 200
    content-type = "text/event-stream"
    answer = '''
    data: {"type":"start"}
    ...'''

An answer that went on only after another request (a decision about a tool call) has been made is in two entries: the second
one `goes-on` with the number of the first, counted from 1, and stands after that request.
"""

import base64
import json
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Final, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from kai_client.exceptions import KaiConfigError

__all__ = ["Cassette", "Ending", "Entry"]

Ending = Literal["whole", "cut", "left"]
"""How an answer ended: as it should, by a lost connection, or since the client left."""

_VERSION: Final = 1
_HEADERS: Final = ("content-type", "retry-after", "x-vercel-ai-ui-message-stream")
_RAW: Final = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f]*")
_ESCAPED: Final = re.compile(r'[\\\x00-\x08\x0b-\x1f\x7f]|"""|"\Z')


def _dashed(name: str) -> str:
    return name.replace("_", "-")


class _Wire(BaseModel):
    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", alias_generator=_dashed, populate_by_name=True)


class Entry(_Wire):
    """A request and its answer, or with `goes_on` the rest of an answer that had to wait."""

    goes_on: int | None = None
    request: str = ""
    """`POST /api/chat?limit=10`."""
    sent: str = ""
    """The body of the request."""
    status: int = 200
    content_type: str = ""
    retry_after: str = ""
    x_vercel_ai_ui_message_stream: str = ""
    answer: str = ""
    answer_base64: str = ""
    """The answer where it is no text."""
    ended: Ending = "whole"

    @property
    def content(self) -> bytes:
        """The answer's bytes."""
        return base64.b64decode(self.answer_base64) if self.answer_base64 else self.answer.encode()

    @property
    def headers(self) -> dict[str, str]:
        """Those of the answer that are kept."""
        named = {name: str(getattr(self, name.replace("-", "_"))) for name in _HEADERS}
        return {name: value for name, value in named.items() if value}

    @staticmethod
    def kept(headers: Mapping[str, str]) -> dict[str, str]:
        """The fields for the headers of an answer."""
        return {name.replace("-", "_"): headers[name] for name in _HEADERS if name in headers}


class _File(_Wire):
    version: Literal[1] = Field(alias="kai-recording")
    services: list[str] = []
    hidden: list[Literal["emails", "ids"]] = []
    exchange: list[Entry] = []


_FILE: Final = TypeAdapter(_File)


@dataclass(frozen=True, slots=True)
class Cassette:
    """A recorded conversation."""

    entries: Sequence[Entry] = ()
    services: Sequence[str] = ()
    """The ids of the services that discovery found; their paths begin with them."""
    hidden: Sequence[Literal["emails", "ids"]] = field(default=())
    """What was taken out beside tokens."""

    @classmethod
    def load(cls, path: Path) -> "Cassette":
        """The recording in a file. Raises `KaiConfigError` (`config:recording`) for one that is missing or is none."""
        try:
            found = _FILE.validate_python(tomllib.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            raise KaiConfigError(f"There is no recording {path}; record it", code="config:recording") from None
        except (OSError, tomllib.TOMLDecodeError, ValidationError, UnicodeDecodeError) as error:
            raise KaiConfigError(f"{path} is no recording: {error}; record it anew", code="config:recording") from error
        starts = [number for number, entry in enumerate(found.exchange, 1) if entry.goes_on is None]
        for number, entry in enumerate(found.exchange, 1):
            if entry.goes_on is not None and (entry.goes_on not in starts or entry.goes_on > number):
                raise KaiConfigError(
                    f"{path} is no recording: nothing goes on in exchange {number}", code="config:recording"
                )
        return cls(found.exchange, found.services, found.hidden)

    def save(self, path: Path) -> None:
        """Write the file; folders are made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.to_toml(), encoding="utf-8", newline="\n")

    def to_toml(self) -> str:
        """The file's text."""
        lines = ["# A conversation with Kai, recorded by kai_client.testing; tokens are left out."]
        lines += [f"kai-recording = {_VERSION}", f"services = {_strings(self.services)}"]
        if self.hidden:
            lines.append(f"hidden = {_strings(self.hidden)}")
        for entry in self.entries:
            lines += ["", "[[exchange]]", *_entry(entry)]
        return "\n".join(lines) + "\n"


def _entry(entry: Entry) -> Iterator[str]:
    given = cast("dict[str, str | int]", entry.model_dump(by_alias=True, exclude_defaults=True))
    if entry.goes_on is None:
        given["status"] = entry.status
    # The order of a conversation, which is that of the fields.
    for name in (_dashed(field_name) for field_name in Entry.model_fields):
        if name in given:
            value = given[name]
            yield f"{name} = {value if isinstance(value, int) else _string(value, lines=name in {'sent', 'answer'})}"


def _strings(values: Sequence[str]) -> str:
    return f"[{', '.join(_string(value) for value in values)}]"


def _string(text: str, *, lines: bool = False) -> str:
    """TOML for a text: several lines as they are where that can be, else with what must be escaped escaped."""
    if not lines:
        return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")  # a TOML string but for that
    if _RAW.fullmatch(text) and "'''" not in text and not text.endswith("'"):
        return f"'''\n{text}'''"
    return f'"""\n{_ESCAPED.sub(_escape, text)}"""'


def _escape(found: re.Match[str]) -> str:
    match found[0]:
        case '"""':
            return '""\\"'
        case "\\" | '"' as char:
            return f"\\{char}"
        case char:
            return f"\\u{ord(char):04x}"
