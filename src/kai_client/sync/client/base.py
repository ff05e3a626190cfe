# Made of kai_client/client/base.py by scripts/generate_sync.py: change that, and run this.
"""What the groups of methods share: the transport, and how answers become models."""

from typing import Any, TypeVar

from pydantic import BaseModel, JsonValue

from kai_client._wire import read_leniently
from kai_client.exceptions import KaiError
from kai_client.sync.transport import Carrier

ModelT = TypeVar("ModelT", bound=BaseModel)


class ClientBase:
    """A client with a transport."""

    _transport: Carrier

    def _get(self, model: type[ModelT], path: str, **options: Any) -> ModelT:
        return self._read(model, self._transport.request("GET", path, **options))

    def _read(self, model: type[ModelT], answer: JsonValue) -> ModelT:
        """`answer` as a `model`. Raises `KaiError` with the code `response:not_json` or `response:invalid`."""
        try:
            return _read_answer(model, answer)
        except KaiError as error:
            self._transport.credentials.redact_error(error)
            raise


def _read_answer(model: type[ModelT], answer: JsonValue) -> ModelT:
    if not isinstance(answer, dict):
        if isinstance(answer, str):
            shown = " ".join(answer.split())[:200]
            raise KaiError(f"Expected a JSON object, got text: {shown}", "response:not_json")
        raise KaiError(f"Expected a JSON object, got {type(answer).__name__}", "response:invalid")
    try:
        return read_leniently(model, answer)
    except ValueError as error:
        raise KaiError(f"The answer is not a {model.__name__}: {error}", "response:invalid", None, answer) from None


def checked_count(value: int, name: str) -> int:
    """`value` if it can count items. Raises `TypeError` or `ValueError` otherwise."""
    if isinstance(value, bool) or not isinstance(value, int):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} must be an int, not {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value}")
    return value
