"""Message metadata arrives in pieces that are merged deeply (protocol 5.5)."""

from typing import Final

from kai_client._wire import is_array, is_object
from kai_client.types import Json, JsonObject

_SKIPPED: Final = frozenset({"__proto__", "constructor", "prototype"})


def merge_metadata(base: Json, update: Json) -> Json:
    """`update` merged into `base`, neither changed: objects merge, within them everything else replaces, null is no update.

    Metadata should be objects. For others the SDK's merge spreads them as JavaScript does, an array by its indexes, and
    so does this one. Raises `ValueError` where that is a type error there: something with keys into a scalar.
    """
    if update is None or base is None:
        return base if update is None else update
    members = {key: value for key, value in _members(update).items() if key not in _SKIPPED}
    if members and not (is_object(base) or is_array(base)):
        raise ValueError("metadata cannot be merged into a scalar")
    merged = _members(base)
    for key, value in members.items():
        earlier = merged.get(key)
        merged[key] = merge_metadata(earlier, value) if is_object(earlier) and is_object(value) else value
    return merged


def _members(value: Json) -> JsonObject:
    """What JavaScript's spread makes of a value: numbers and booleans have no members."""
    if is_object(value):
        return dict(value)
    if is_array(value):
        return {str(index): item for index, item in enumerate(value)}
    return dict(_units(value)) if isinstance(value, str) else {}


def _units(text: str) -> list[tuple[str, Json]]:
    """The members of a string: its UTF-16 units; half a character is U+FFFD, as in any encoder, else nothing could write it."""
    data = text.encode("utf-16-le", "surrogatepass")
    units = [data[start : start + 2].decode("utf-16-le", "replace") for start in range(0, len(data), 2)]
    return [(str(index), unit) for index, unit in enumerate(units)]
