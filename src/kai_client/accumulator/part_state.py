"""One part of the growing message: a JSON object whose values may still grow."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from kai_client.message import UIPart, read_part
from kai_client.types import Json

from .growing import SoFar
from .partial_json import MISSING

ABSENT: Final = MISSING
"""As a value: the key goes away. JavaScript's `undefined`, which JSON drops."""


class PartState:
    """A part that changes. `snapshot()` is constant work while it does not."""

    __slots__ = ("_maker", "fields", "position")

    def __init__(self, fields: Mapping[str, Any], position: int) -> None:
        self.position: int = position
        """Its index in the message. Parts go only with all that follow, so it never changes."""
        self.fields: dict[str, Any] = {key: value for key, value in fields.items() if value is not ABSENT}
        self._maker: Callable[[], UIPart] | None = None

    def is_in(self, parts: "list[PartState]") -> bool:
        """Whether it still is a part of the message, or `reset-step` has taken it out."""
        return self.position < len(parts) and parts[self.position] is self

    def update(self, **fields: Json | SoFar | object) -> None:
        """Set fields by their wire names; `ABSENT` removes one."""
        self._maker = None
        for key, value in fields.items():
            if value is ABSENT:
                self.fields.pop(key, None)
            else:
                self.fields[key] = value

    def touch(self) -> None:
        """A growing value has grown."""
        self._maker = None

    def freeze(self, *keys: str) -> None:
        """Fix growing values as they are now."""
        for key in keys:
            value = self.fields.get(key)
            if isinstance(value, SoFar):
                self.fields[key] = value.frozen()

    def snapshot(self) -> Callable[[], UIPart]:
        """What makes the part as it is now, and always the same one."""
        if self._maker is None:
            frozen = {key: value.frozen() if isinstance(value, SoFar) else value for key, value in self.fields.items()}
            self._maker = _Maker(frozen)
        return self._maker


class _Maker:
    """Makes a part once."""

    __slots__ = ("_fields", "_part")

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields
        self._part: UIPart | None = None

    def __call__(self) -> UIPart:
        if self._part is None:
            made = {key: value.make() if isinstance(value, SoFar) else value for key, value in self._fields.items()}
            self._part = read_part({key: value for key, value in made.items() if value is not MISSING})
        return self._part
