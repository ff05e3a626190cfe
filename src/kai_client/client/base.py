"""What the groups of methods share: the transport, and how answers become models."""

import copy
from dataclasses import replace
from typing import Any, Self, TypeVar

from pydantic import BaseModel, JsonValue

from kai_client._wire import read_leniently
from kai_client.exceptions import KaiError
from kai_client.transport import Carrier, RetryPolicy, Timeouts, TimeoutTypes
from kai_client.types import NOT_GIVEN, NotGiven

ModelT = TypeVar("ModelT", bound=BaseModel)


class ClientBase:
    """A client with a transport."""

    _transport: Carrier

    def with_options(
        self,
        *,
        timeout: TimeoutTypes | NotGiven = NOT_GIVEN,
        stream_timeout: TimeoutTypes | NotGiven = NOT_GIVEN,
        retry: RetryPolicy | NotGiven = NOT_GIVEN,
    ) -> Self:
        """The same client with other options, for one call: `await client.with_options(timeout=5).ping()`.

        It shares the connections: closing either closes both.
        """
        changes: dict[str, Any] = {}
        if timeout is not NOT_GIVEN:
            changes["timeouts"] = Timeouts.of(timeout, "timeout")
        if stream_timeout is not NOT_GIVEN:
            changes["stream_timeouts"] = Timeouts.of(stream_timeout, "stream_timeout")
        if retry is not NOT_GIVEN:
            if not isinstance(retry, RetryPolicy):  # pyright: ignore[reportUnnecessaryIsInstance] - None is no policy
                raise TypeError("retry must be a RetryPolicy; RetryPolicy(attempts=1) never retries")
            changes["retry"] = retry
        return self._with(**changes)

    def _with(self, **changes: Any) -> Self:
        other = copy.copy(self)
        other._transport = replace(self._transport, **changes)  # noqa: SLF001 - one of our own kind
        return other

    async def _get(self, model: type[ModelT], path: str, **options: Any) -> ModelT:
        return self._read(model, await self._transport.request("GET", path, **options))

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
