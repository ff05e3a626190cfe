"""What must not be in a recording, taken out of texts and of streams, where it may be spread over many events."""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal, TypeAlias, cast

from kai_client.server.redaction import without
from kai_client.types import JsonObject

__all__ = ["UUID", "Hiding", "Redact"]

Redact: TypeAlias = Callable[[str], str]
"""A text without what nobody may see; called with whole bodies, and with the texts that the deltas of a stream make."""

UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_EMAIL: Final = re.compile(r"[\w.+-]+(?:@|%40)[\w-]+(?:\.[\w-]+)+")
_NOBODY: Final = "somebody@example.com"
_PSEUDONYM: Final = "00000000-0000-4000-8000-{:012d}"
_DATA: Final = re.compile(r"(data: ?)([^\r\n]*)")
_SPREAD: Final = re.compile(r"(?:data: ?[^\r\n]*(?:\r\n|\r|\n)){2,}")


class Hiding:
    """The rules of one recording: its secrets, and what the caller named."""

    def __init__(
        self, hidden: Sequence[Literal["emails", "ids"]] = (), redact: Redact | None = None, secrets: Iterable[str] = ()
    ) -> None:
        self.secrets: set[str] = set(secrets)
        self._hidden = hidden
        self._redact = redact
        self._pseudonyms: dict[str, str] = {}

    def text(self, text: str) -> str:
        """The text without any of it."""
        text = without(self.secrets, text)
        if "emails" in self._hidden:
            text = _EMAIL.sub(_NOBODY, text)
        if "ids" in self._hidden:
            text = UUID.sub(lambda found: self._pseudonym(found[0]), text)
        return self._redact(text) if self._redact is not None else text

    def _pseudonym(self, uuid: str) -> str:
        """The same for the same id, so that the recording still hangs together."""
        if uuid in self._pseudonyms.values():
            return uuid
        return self._pseudonyms.setdefault(uuid.lower(), _PSEUDONYM.format(len(self._pseudonyms) + 1))

    def stream(self, text: str) -> str:
        """The text of an event stream, also without what its deltas only say together. How many events there are stays."""
        text = _SPREAD.sub(_on_one_line, text)
        lines = [_Line(found) for found in _DATA.finditer(text)]
        for places in _together(lines):
            pieces = [piece for _, _, piece in places]
            whole = "".join(pieces)
            hidden = self.text(whole)
            if hidden != "".join(map(self.text, pieces)):
                for (line, name, _), piece in zip(places, _cut_like(hidden, pieces), strict=True):
                    line.change(name, piece)
        if not any(line.changed for line in lines):
            return self.text(text)
        rest = iter(lines)
        return self.text(_DATA.sub(lambda _: next(rest).text, text))


class _Line:
    """A `data:` line; most hold a chunk."""

    def __init__(self, found: re.Match[str]) -> None:
        self.changed = False
        self._head, self._content = found[1], found[2]
        try:
            chunk: object = json.loads(self._content)
        except ValueError:
            chunk = None
        self.chunk: JsonObject = cast("JsonObject", chunk) if isinstance(chunk, dict) else {}

    def change(self, name: str, value: str) -> None:
        self.chunk[name] = value
        self.changed = True

    @property
    def text(self) -> str:
        """The line, as it was where nothing was changed."""
        if not self.changed:
            return self._head + self._content
        return self._head + json.dumps(self.chunk, ensure_ascii=False, separators=(",", ":"))


_Place: TypeAlias = tuple[_Line, str, str]


def _together(lines: Iterable[_Line]) -> Iterator[list[_Place]]:
    """The texts that chunks of one kind, about one part or call, have in a field of one name: its pieces, in order."""
    groups: dict[tuple[object, object, str], list[_Place]] = {}
    for line in lines:
        part = line.chunk.get("id", line.chunk.get("toolCallId"))
        for name, value in line.chunk.items():
            if isinstance(value, str):
                key = (str(line.chunk.get("type")), str(part), name)
                groups.setdefault(key, []).append((line, name, value))
    return (places for places in groups.values() if len(places) > 1)


def _on_one_line(found: re.Match[str]) -> str:
    """An event whose JSON has several lines, on one; where every line is JSON by itself they are several events."""
    lines = [content for _, content in _DATA.findall(found[0])]
    try:
        chunk: object = json.loads("\n".join(lines))
    except ValueError:
        return found[0]
    end = found[0][len(found[0].rstrip("\r\n")) :]
    return f"data: {json.dumps(chunk, ensure_ascii=False, separators=(',', ':'))}{end}"


def _cut_like(text: str, pieces: Sequence[str]) -> Iterator[str]:
    """`text` in as many pieces, of the same lengths as far as it goes; the last has what is left."""
    start = 0
    for piece in pieces[:-1]:
        yield text[start : start + len(piece)]
        start += len(piece)
    yield text[start:]
