"""Choices made from bytes: hypothesis generates and shrinks the bytes, zero being the simplest choice everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from pydantic import JsonValue

T = TypeVar("T")

# Values of every kind; the numbers beyond a double's precision are one of the documented differences.
VALUES: tuple[JsonValue, ...] = (
    1,
    None,
    {},
    {"a": 1},
    "",
    "text \u2028 😀",
    True,
    False,
    [],
    [1, None, {"b": []}],
    {"a": {"b": [{"c": None}]}, "l": [True]},
    0,
    -1.5,
    1e21,
    2**60 + 1,
    "half \ud83d",
    {"": {"type": "text"}},
)

PROVIDER_METADATA: tuple[JsonValue, ...] = ({"p": {"k": 1}}, {"p": {"k": None}, "r": {}}, {})

METADATA: tuple[JsonValue, ...] = (
    {"a": {"x": 1}, "l": [1, 2]},
    {"a": {"y": 2}, "l": [3]},
    {"a": {"x": None}},
    {"a": None, "toString": {"z": 1}},
    {"a": [1], "0": "zero"},
    {"__proto__": {"z": 1}, "b": {"constructor": {"x": 1}, "c": 1}, "prototype": 1},
    {},
    None,
)
NO_OBJECTS: tuple[JsonValue, ...] = (5, "aé😀", [1, {"a": 1}], True, "")

# Input as models write it, whole. It is cut anywhere.
INPUTS: tuple[str, ...] = (
    '{"a":1}',
    '{"sql":"SELECT \\"x\\" FROM t","limit":10}',
    '{"a":"é😀","b":"\\ud83d\\ude00\\n\\u00e9 \\u2028","c":"\u2028"}',
    '{"a":{"b":[{"c":"d"},[1,2,[]]],"e":{}},"f":[true,false,null]}',
    ' { "n" : -1.5e+10 , "m" : [ 0 , 0.25 ] , "big" : 12345678901234567890 } ',
    '["a","b",{"c":"\\\\"}]',
    '"only text"',
    "-12.5E-3",
    "true",
    "null",
    "SELECT 1",
    "",
)

# What such texts are made of, for texts that nobody should write.
SCRAPS: tuple[str, ...] = (
    *('{"', '":', '"', "{", "}", "[", "]", ":", ",", "\\", "\\u", "\\ud83d", "\\u00e9", "d", "0"),
    *("a", '"a":', "tr", "true", "nul", "false", "-", "1", ".", "e", "E+", "1e400", "12345678901234567890"),
    *(" ", "\n", "\u2028", "😀", "é", "\x00", '{"a":1,', '[1,"b'),
)


class Choices:
    """A sequence of choices; when the bytes are used up, every further one is the simplest."""

    def __init__(self, data: bytes) -> None:
        self._bytes = iter(data)

    def number(self, below: int) -> int:
        """A number from 0 up to `below`."""
        return next(self._bytes, 0) % below

    def pick(self, options: Sequence[T]) -> T:
        """One of `options`, the first being the simplest."""
        return options[self.number(len(options))]

    def chance(self, one_in: int) -> bool:
        """True once in so many times; False is simpler."""
        return self.number(one_in) == one_in - 1

    def value(self) -> JsonValue:
        """Any JSON."""
        return self.pick(VALUES)

    def provider_metadata(self) -> JsonValue:
        """What providers add to a part."""
        return self.pick(PROVIDER_METADATA)

    def input_text(self) -> str:
        """The text of a tool's input: mostly JSON."""
        if self.chance(2):
            return "".join(self.pick(SCRAPS) for _ in range(self.number(10)))
        return self.pick(INPUTS)

    def metadata(self) -> JsonValue:
        """Message metadata: objects as a rule."""
        return self.pick(NO_OBJECTS if self.chance(12) else METADATA)


def units(text: str) -> list[str]:
    """The UTF-16 units of a text, each a string: where JavaScript may cut."""
    data = text.encode("utf-16-le", "surrogatepass")
    return [data[start : start + 2].decode("utf-16-le", "surrogatepass") for start in range(0, len(data), 2)]
