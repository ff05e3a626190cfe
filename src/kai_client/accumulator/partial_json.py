"""The best JSON value that an unfinished text can have, by the AI SDK's repair rules (protocol 5.4).

A text that parses is its own value. Else the longest prefix that ends on a complete token is kept and what is open in it is
closed, innermost first. Where even that does not parse there is no value: the scan is simple on purpose and not a parser (a
quote ends a key even behind a backslash, garbage between tokens is skipped), and the same simplicity is needed to show the
same values as the SDK at every moment.

The scan is incremental: each character is looked at once, however often the value is asked for.
"""

import re
from typing import Final

from kai_client._wire import decode_json
from kai_client.types import Json

MISSING: Final = object()
"""No value, which is not null."""

# States, named by what they wait for. The closer of each is what it leaves open.
_ROOT, _END = "root", "end"
_STRING, _ESCAPE, _HEX, _NUMBER, _LITERAL = "string", "escape", "hex", "number", "literal"
_FIRST_KEY, _NEXT_KEY, _KEY, _COLON, _VALUE, _COMMA = "first key", "next key", "key", "colon", "value", "comma"
_FIRST_ITEM, _NEXT_ITEM, _ITEM_COMMA = "first item", "next item", "item comma"

_CLOSERS: Final = {
    _STRING: '"',
    **dict.fromkeys((_FIRST_KEY, _NEXT_KEY, _KEY, _COLON, _VALUE, _COMMA), "}"),
    **dict.fromkeys((_FIRST_ITEM, _NEXT_ITEM, _ITEM_COMMA), "]"),
}
_AFTER_VALUE: Final = {_ROOT: _END, _VALUE: _COMMA, _FIRST_ITEM: _ITEM_COMMA, _NEXT_ITEM: _ITEM_COMMA}
"""What is waited for once the value that a state waited for has begun."""

_VALUE_STATES: Final = {
    **dict.fromkeys("0123456789-", _NUMBER),
    **dict.fromkeys("tfn", _LITERAL),
    '"': _STRING,
    "{": _FIRST_KEY,
    "[": _FIRST_ITEM,
}
_LITERALS: Final = ("false", "true", "null")
_PLAIN: Final = re.compile(r'[^"\\]+')
_DIGITS: Final = frozenset("0123456789")
_HEX_DIGITS: Final = frozenset("0123456789abcdefABCDEF")


class PartialJson:
    """The scan of a growing text."""

    __slots__ = ("_digits", "_literal", "_scanned", "_stack", "_valid")

    def __init__(self) -> None:
        self._stack = [_ROOT]
        self._scanned = 0
        self._valid = 0
        """How much of the text ends on a complete token."""
        self._literal = 0
        self._digits = 0

    def value(self, text: str) -> Json | object:
        """The best value of `text`, or `MISSING`; `text` must extend the one of the last call."""
        try:
            return decode_json(text)
        except ValueError:
            pass
        self._scan(text)
        try:
            return decode_json(text[: self._valid] + self._closers(text))
        except ValueError:
            return MISSING

    def _scan(self, text: str) -> None:
        position = self._scanned
        while position < len(text):
            state = self._stack[-1]
            if state == _STRING and (plain := _PLAIN.match(text, position)):
                position = self._valid = plain.end()
            else:
                self._step(state, text, position)
                position += 1
        self._scanned = position

    def _step(self, state: str, text: str, position: int) -> None:
        """One character in one state."""
        char = text[position]
        if state in _AFTER_VALUE:
            if not (state == _FIRST_ITEM and char == "]"):
                self._begin_value(state, char, position)
            else:
                self._leave(position)
        elif state in {_COMMA, _ITEM_COMMA}:
            self._after_value(state, char, position, garbage_counts=state == _ITEM_COMMA)
        elif state == _NUMBER:
            self._number(char, position)
        elif state == _LITERAL:
            self._in_literal(text, char, position)
        elif state in {_STRING, _ESCAPE, _HEX}:
            self._in_string(state, char, position)
        else:
            self._before_value(state, char, position)

    def _begin_value(self, state: str, char: str, position: int) -> None:
        begun = _VALUE_STATES.get(char)
        if begun is None:
            return
        self._stack[-1:] = [_AFTER_VALUE[state], begun]
        self._literal = position
        if char != "-":  # a sign alone is no number
            self._valid = position + 1

    def _leave(self, position: int) -> None:
        """The construct is complete."""
        self._stack.pop()
        self._valid = position + 1

    def _after_value(self, state: str, char: str, position: int, *, garbage_counts: bool = False) -> None:
        if char == ",":
            self._stack[-1] = _NEXT_KEY if state == _COMMA else _NEXT_ITEM
        elif char == ("}" if state == _COMMA else "]"):
            self._leave(position)
        elif garbage_counts:
            self._valid = position + 1

    def _number(self, char: str, position: int) -> None:
        if char in _DIGITS:
            self._valid = position + 1
        elif char not in "eE-.":
            self._stack.pop()
            around = self._stack[-1]
            closes = {",": (_COMMA, _ITEM_COMMA), "}": (_COMMA,), "]": (_ITEM_COMMA,)}.get(char, ())
            if around in closes:
                self._after_value(around, char, position)

    def _in_literal(self, text: str, char: str, position: int) -> None:
        word = text[self._literal : position + 1]
        if any(literal.startswith(word) for literal in _LITERALS):
            self._valid = position + 1
            return
        self._stack.pop()
        if self._stack[-1] in {_COMMA, _ITEM_COMMA}:
            self._after_value(self._stack[-1], char, position)

    def _in_string(self, state: str, char: str, position: int) -> None:
        if state == _STRING:
            if char == '"':
                self._leave(position)
            else:  # only a backslash is left
                self._stack.append(_ESCAPE)
        elif state == _ESCAPE:
            self._stack.pop()
            if char == "u":
                self._digits = 0
                self._stack.append(_HEX)
            else:
                self._valid = position + 1
        elif char in _HEX_DIGITS:
            self._digits += 1
            if self._digits == len("0041"):
                self._leave(position)

    def _before_value(self, state: str, char: str, position: int) -> None:
        """Inside an object, before a member's value; at the end of it all, nothing matters."""
        if state in {_FIRST_KEY, _NEXT_KEY} and char == '"':
            self._stack[-1] = _KEY
        elif state == _FIRST_KEY and char == "}":
            self._leave(position)
        elif state == _KEY and char == '"':
            self._stack[-1] = _COLON
        elif state == _COLON and char == ":":
            self._stack[-1] = _VALUE

    def _closers(self, text: str) -> str:
        closers: list[str] = []
        for state in reversed(self._stack):
            if state == _LITERAL:
                word = text[self._literal :]
                closers.append(next((literal[len(word) :] for literal in _LITERALS if literal.startswith(word)), ""))
            else:
                closers.append(_CLOSERS.get(state, ""))
        return "".join(closers)
