"""Whether a request is the recorded one. Ids that clients make up differ from run to run: they only have to be used alike."""

import difflib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from starlette.types import Scope

from .hiding import UUID

__all__ = ["Asked", "Ids", "difference", "line_of"]

_LINES: Final = 60


def line_of(scope: Scope) -> str:
    """`GET /api/history?limit=10`, written as the client wrote it."""
    query = scope["query_string"]
    return f"{scope['method']} {(scope['raw_path'] + (b'?' + query if query else b'')).decode('latin-1')}"


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, recorded or not."""

    line: str
    """`POST /api/chat`."""
    body: str

    @property
    def text(self) -> str:
        """All of it; JSON in one order, a key per line."""
        try:
            body = json.dumps(json.loads(self.body), ensure_ascii=False, indent=2, sort_keys=True)
        except ValueError:
            body = self.body
        return f"{self.line}\n{body}".rstrip("\n")


@dataclass(slots=True)
class Ids:
    """Which id of today stands for which recorded one."""

    today: dict[str, str] = field(default_factory=dict[str, str])

    def match(self, recorded: Asked, asked: Asked) -> bool:
        """Whether the two are alike; if so, the ids of the one stand for those of the other from now on."""
        theirs, ours = recorded.text, asked.text
        if UUID.sub("", theirs) != UUID.sub("", ours):
            return False
        pairs = dict(self.today)
        for old, new in zip(UUID.findall(theirs), UUID.findall(ours), strict=True):
            if pairs.setdefault(old.lower(), new) != new:
                return False
        self.today = pairs
        return True

    def of_today(self, text: str) -> str:
        """A recorded text with the ids of today."""
        return UUID.sub(lambda found: self.today.get(found[0].lower(), found[0]), text)


def difference(asked: Asked, left: Sequence[Asked], ids: Ids) -> str:
    """What is asked beside what was recorded: the first one left to the same path, else the first one left."""
    if not left:
        return "Nothing is left of it. Asked for:\n" + asked.text
    known = set(ids.today.values())

    def lines(each: Asked) -> list[str]:
        """Ids that are nobody's yet are not what differs."""
        text = ids.of_today(each.text)
        return UUID.sub(lambda found: found[0] if found[0] in known else "(an id)", text).split("\n")

    path = UUID.sub("", asked.line)
    nearest = next((each for each in left if UUID.sub("", each.line) == path), left[0])
    found = difflib.unified_diff(lines(nearest), lines(asked), "recorded", "asked for", lineterm="", n=2)
    return "\n".join(list(found)[:_LINES])
