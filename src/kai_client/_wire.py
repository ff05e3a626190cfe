"""How JSON from the wire becomes models: the one base class, the one tolerant reader, the one JSON decoder.

A liberal reader (design, section 4): unknown fields are kept, a value of the wrong type in an optional field counts as
absent, and only a required field that cannot be read is an error. What fails here is a `ValueError`; the room that knows
where the data came from turns it into a `KaiError`.
"""

import copy
import json
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final, NoReturn, TypeGuard, TypeVar, cast

from pydantic import BaseModel, ConfigDict, JsonValue, ValidationError
from pydantic.alias_generators import to_camel

_SHOWN: Final = 3
"""How many broken fields an error message names."""

ModelT = TypeVar("ModelT", bound=BaseModel)


class WireModel(BaseModel):
    """A JSON object of the API: camelCase on the wire, snake_case in Python, both accepted, unknown fields kept."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="allow",
        # Eighty models are built when first used, not when the package is imported.
        defer_build=True,
        # Names that begin with `model` are the API's own (selectedChatModel); nothing of pydantic's is shadowed.
        protected_namespaces=(),
    )


def decode_json(text: str | bytes) -> JsonValue:
    """The JSON value in `text`. Raises `ValueError` for anything else, NaN and absurdly deep nesting included."""
    try:
        return cast("JsonValue", json.loads(text, parse_constant=_refuse_constant))
    except RecursionError:
        raise ValueError("JSON nested too deeply") from None


def is_object(value: object) -> TypeGuard[dict[str, Any]]:
    """Whether a decoded JSON value is an object."""
    return isinstance(value, dict)


def is_array(value: object) -> TypeGuard[list[Any]]:
    """Whether a decoded JSON value is an array."""
    return isinstance(value, list)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def read_leniently(model: type[ModelT], data: Mapping[str, Any]) -> ModelT:
    """`data` as a `model`; optional values of a wrong type count as absent.

    Raises `ValueError`, naming the fields, when a required one is missing or unreadable.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        first = error
    pruned = copy.deepcopy(dict(data))
    for detail in first.errors(include_url=False, include_input=False, include_context=False):
        if detail["type"] == "missing" or not _drop(pruned, detail["loc"]):
            raise ValueError(_summary(first)) from None
    try:
        return model.model_validate(pruned)
    except ValidationError:
        raise ValueError(_summary(first)) from None


def _drop(data: dict[str, Any], path: Sequence[int | str]) -> bool:
    """Remove the value at a pydantic error location; False where the path leads nowhere."""
    holder: object = data
    for step in path[:-1]:
        # A step that leads nowhere is the tag of a union member: part of the location, not of the data.
        if is_object(holder) and isinstance(step, str):
            holder = holder.get(step, holder)
        elif is_array(holder) and isinstance(step, int):
            holder = holder[step]
    leaf = path[-1]
    if not is_object(holder) or not isinstance(leaf, str) or leaf not in holder:
        return False
    del holder[leaf]
    return True


def _summary(error: ValidationError) -> str:
    """Which fields, and why, without the values: they may be secret, and they may be huge."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    shown = [f"{'.'.join(map(str, detail['loc'])) or 'value'}: {detail['msg']}" for detail in details[:_SHOWN]]
    more = f" (and {len(details) - _SHOWN} more)" if len(details) > _SHOWN else ""
    return "; ".join(shown) + more
