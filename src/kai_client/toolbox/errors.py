"""What goes wrong with a tool, in words that its caller, a model as a rule, can act on."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from pydantic import ValidationError

from kai_client.exceptions import KaiError

__all__ = [
    "FAILED",
    "INVALID_INPUT",
    "INVALID_OUTPUT",
    "InvalidArgumentsError",
    "ToolError",
    "failures_as_tool_errors",
    "one_line",
    "problems_of",
    "shortened",
]

FAILED: Final = "tool:failed"
INVALID_INPUT: Final = "tool:invalid_input"
INVALID_OUTPUT: Final = "tool:invalid_output"

_EXCEPTION_CHARACTERS: Final = 500
_PROBLEM_CHARACTERS: Final = 200
_FIELD_CHARACTERS: Final = 80
_SHOWN: Final = 5
"""How many problems one text names."""


class ToolError(KaiError):
    """A tool did not do what it was asked. Raised inside a tool, its `message` reaches the model as it is.

    `code` is `tool:failed`, or `tool:invalid_input` where the arguments were refused before the tool ran, or
    `tool:invalid_output` where the tool returned something else than it promises.
    """

    def __init__(self, message: str, code: str = FAILED) -> None:
        super().__init__(message, code)


class InvalidArgumentsError(ValueError):
    """Arguments that the function's signature does not allow; each problem is one readable phrase."""

    def __init__(self, problems: Sequence[str]) -> None:
        named = list(dict.fromkeys(problems))
        more = f" (and {len(named) - _SHOWN} more)" if len(named) > _SHOWN else ""
        super().__init__(f"The arguments are not valid: {'; '.join(named[:_SHOWN])}{more}")
        self.problems = named


@contextmanager
def failures_as_tool_errors() -> Generator[None]:
    """Whatever the block raises leaves it as a `ToolError`; a cancellation and the end of the program pass through."""
    try:
        yield
    except ToolError:
        raise
    except Exception as error:
        text = f"{type(error).__name__}: {error}".removesuffix(": ")
        raise ToolError(shortened(text, _EXCEPTION_CHARACTERS)) from error


def problems_of(error: ValidationError, *, within: str = "") -> list[str]:
    """Which fields, and why, without the values: those may be secret, and huge."""
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return [_problem((within, *detail["loc"]) if within else detail["loc"], detail["msg"]) for detail in details]


def _problem(path: Sequence[int | str], message: str) -> str:
    # Both can hold what the model wrote: the path an unknown key, the message the tag of a union.
    field = shortened(one_line(".".join(map(str, path))), _FIELD_CHARACTERS)
    return ": ".join(filter(None, [field, shortened(one_line(message))]))


def one_line(text: str) -> str:
    """`text` with every run of white space made one space."""
    return " ".join(text.split())


def shortened(text: str, limit: int = _PROBLEM_CHARACTERS) -> str:
    """`text` in at most `limit` characters."""
    return text if len(text) <= limit else f"{text[: limit - 3]}..."
