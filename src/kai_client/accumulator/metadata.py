"""Message metadata arrives in pieces that are merged deeply (protocol 5.5)."""

from typing import Final

from kai_client.types import Json, JsonObject

_SKIPPED: Final = frozenset({"__proto__", "constructor", "prototype"})


def merge_metadata(base: Json, update: Json) -> Json:
    """`update` merged into `base`, neither changed: objects merge, everything else replaces, no update changes nothing."""
    if update is None:
        return base
    if not (isinstance(base, dict) and isinstance(update, dict)):
        return update
    merged: JsonObject = dict(base)
    for key, value in update.items():
        if key in _SKIPPED:
            continue
        earlier = merged.get(key)
        both = isinstance(earlier, dict) and isinstance(value, dict)
        merged[key] = merge_metadata(earlier, value) if both else value
    return merged
