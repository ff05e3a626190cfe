"""`--template`: the text that is sent, made of the columns of a row."""

import json
import re
from collections.abc import Mapping
from typing import Final

__all__ = ["Template"]

_PLACE: Final = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")
_BRACE: Final = re.compile(r"[{}]")


class Template:
    """A text in which `{column}` is a place for a value; `{{` and `}}` are braces.

    Nothing but names is understood, no attributes, indexes or formats, and a value that has braces of its own is not looked
    into: what stands in a file of prompts cannot reach anything.
    """

    def __init__(self, text: str) -> None:
        """Raises `ValueError` for a brace that is neither a place nor doubled."""
        lone = _BRACE.search(_PLACE.sub(lambda match: " " * len(match[0]), text))
        if lone is not None:
            raise ValueError(
                f"{lone[0]!r} at character {lone.start() + 1} belongs to no {{column}}; a brace itself is written {lone[0] * 2}"
            )
        self._text = text
        self.names: frozenset[str] = frozenset(match[1] for match in _PLACE.finditer(text) if match[1] is not None)
        """The columns that it needs."""

    def fill(self, columns: Mapping[str, object]) -> str:
        """The text. Raises `KeyError` with the first name for which there is no value."""
        return _PLACE.sub(lambda match: self._value(match, columns), self._text)

    def _value(self, match: re.Match[str], columns: Mapping[str, object]) -> str:
        name: str | None = match[1]
        if name is None:
            return match[0][0]
        value = columns.get(name)
        if value is None:
            raise KeyError(name)
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
