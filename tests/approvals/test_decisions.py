"""What an approval and a denial may hold: what could not be sent is refused when it is made."""

import datetime as dt
import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from kai_client import Approval, Denial

CIRCULAR: dict[str, Any] = {}
CIRCULAR["self"] = CIRCULAR

NO_OBJECTS: list[tuple[Any, type[Exception]]] = [
    ("text", TypeError),
    ([], TypeError),
    ([("a", 1)], TypeError),
    (1, TypeError),
    (False, TypeError),
    ({"day": dt.date(2026, 1, 2)}, TypeError),
    ({"data": b"x"}, TypeError),
    ({"set": {1}}, TypeError),
    ({("a", "b"): 1}, TypeError),
    ({"n": math.nan}, ValueError),
    ({"deep": [{"n": math.inf}]}, ValueError),
    ({"text": "half \ud83d"}, ValueError),
    ({"half \ud83d": 1}, ValueError),
    (CIRCULAR, ValueError),
]


@pytest.mark.parametrize("name", ["updated_input", "answers"])
@pytest.mark.parametrize(("value", "error"), NO_OBJECTS, ids=lambda value: repr(value)[:30])
def test_an_approval_holds_json_objects(name: str, value: Any, error: type[Exception]) -> None:
    """Arguments and answers that are no JSON object never become an approval, which would leave its call open."""
    with pytest.raises(error):
        Approval(**{name: value})


@pytest.mark.parametrize(
    "value", [None, {}, {"a": [1, None, {"b": "\x00 🦆"}]}, MappingProxyType({"a": 1.5})], ids=repr
)
def test_an_approval_keeps_what_json_can_carry(value: Mapping[str, Any] | None) -> None:
    """Any mapping of JSON is kept as it is."""
    assert Approval(updated_input=value, answers=value).updated_input is value


@pytest.mark.parametrize(
    ("reason", "error"),
    [(5, TypeError), (b"no", TypeError), (["no"], TypeError), (True, TypeError), ("half \ud83d", ValueError)],
    ids=repr,
)
def test_a_reason_is_a_text(reason: Any, error: type[Exception]) -> None:
    """A reason that is no text, or cannot be written, never becomes a denial."""
    with pytest.raises(error):
        Denial(reason=reason)


@pytest.mark.parametrize("reason", [None, "", "no\x00 🦆"])
def test_a_denial_keeps_its_reason(reason: str | None) -> None:
    """None, an empty text and any other text are kept."""
    assert Denial(reason=reason).reason == reason
