"""What every part is: a frozen model of a JSON object that also answers as the mapping it is on the wire."""

from collections.abc import ItemsView, KeysView, ValuesView
from typing import Any

from pydantic import BaseModel
from pydantic.alias_generators import to_camel

from kai_client._wire import to_wire
from kai_client.types import JsonObject

__all__ = ["UIPartBase"]


class UIPartBase(
    BaseModel,
    # As keywords, for type checkers: to them the parts are frozen, too.
    frozen=True,
    alias_generator=to_camel,
    populate_by_name=True,
    extra="allow",
    defer_build=True,
):
    """A part of a message. Attributes have Python names, `part["toolCallId"]` takes the wire's; unknown fields are kept."""

    type: str

    def to_dict(self) -> JsonObject:
        """The part as JSON, key for key: what was absent stays absent, null stays null."""
        return {"type": self.type, **to_wire(self)}

    def __getitem__(self, key: str) -> Any:
        return self.to_dict()[key]

    def __contains__(self, key: object) -> bool:
        return key in self.to_dict()

    def get(self, key: str, default: Any = None) -> Any:
        """The value under a wire key, or `default` where the part has none."""
        return self.to_dict().get(key, default)

    def keys(self) -> KeysView[str]:
        """The wire keys, so that `dict(part)` and `{**part}` make the part's JSON."""
        return self.to_dict().keys()

    def values(self) -> ValuesView[Any]:
        """The values under the wire keys."""
        return self.to_dict().values()

    def items(self) -> ItemsView[str, Any]:
        """The wire keys with their values."""
        return self.to_dict().items()

    def __eq__(self, other: object) -> bool:
        """Equal to a part that says the same, and to its JSON."""
        if isinstance(other, UIPartBase):
            return self.to_dict() == other.to_dict()
        return self.to_dict() == other if isinstance(other, dict) else NotImplemented

    def __hash__(self) -> int:
        return hash(self.type)
