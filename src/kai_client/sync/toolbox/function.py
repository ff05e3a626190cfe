# Made of kai_client/toolbox/function.py by scripts/generate_sync.py: change that, and run this.
"""One tool: a function that JSON goes into and JSON comes out of."""

import json
import math
from collections.abc import Iterable
from typing import Any, cast

from pydantic import JsonValue, ValidationError

from kai_client.approvals.decisions import ToolCall
from kai_client.sync.toolbox.calling import Caller
from kai_client.toolbox.arguments import Arguments, Params, adapter_of
from kai_client.toolbox.context import ToolContext
from kai_client.toolbox.errors import (
    INVALID_INPUT,
    INVALID_OUTPUT,
    InvalidArgumentsError,
    ToolError,
    failures_as_tool_errors,
    problems_of,
    shortened,
)
from kai_client.toolbox.schema import ToolSchema, json_schema
from kai_client.toolbox.signature import Function, signature_of, without

__all__ = ["ToolFunction"]


class ToolFunction:
    """A function with its schemas. Raises `TypeError` for one whose arguments or result JSON cannot carry."""

    def __init__(self, function: Function, *, name: str | None, description: str | None) -> None:
        signature = signature_of(function)
        label = signature.name
        if (label if name is None else name) in ("", "<lambda>"):
            raise TypeError('A tool needs a name: tool(function, name="...")')
        self._caller = Caller(function, signature)
        self._context, rest = without(ToolContext, signature, signature.parameters)
        if without(ToolCall, signature, rest)[0] is not None:
            raise TypeError(
                f"{label}(): a tool gets its call as `call` of a ToolContext; only policies take a ToolCall"
            )
        self._params = Params(label, rest)
        self._inputs = Arguments(label, self._params.others, extra="forbid")
        self._returns = adapter_of(signature.returns, label)
        self.schema: ToolSchema = ToolSchema(
            name=label if name is None else name,
            description=signature.description if description is None else description,
            input_schema=json_schema(self._inputs.adapter, label, "validation"),
            params_schema=json_schema(self._params.adapter, label, "validation") if self._params.adapter else None,
            output_schema=json_schema(self._returns, label, "serialization"),
        )

    def run(self, inputs: object, params: object, context: ToolContext[Any]) -> JsonValue:
        """The function's result as JSON. Raises `ToolError` for whatever goes wrong; the end of the program passes through."""
        with failures_as_tool_errors():  # a validator of the user's own can raise anything
            arguments = self._arguments(inputs, params)
        if self._context is not None:
            arguments[self._context.name] = context
        with failures_as_tool_errors():
            returned = self._caller.returned(arguments)
            return self._output(returned)

    def _arguments(self, inputs: object, params: object) -> dict[str, Any]:
        """Both parts, or the problems of both: a model that is told everything at once corrects everything at once."""
        arguments: dict[str, Any] = {}
        problems: list[str] = []
        for part, value in ((self._inputs, inputs), (self._params, params)):
            try:
                arguments |= part.read(value)
            except InvalidArgumentsError as error:
                problems += error.problems
        if problems:
            raise ToolError(str(InvalidArgumentsError(problems)), INVALID_INPUT)
        return arguments

    def _output(self, returned: object) -> JsonValue:
        try:
            value = self._returns.validate_python(returned)
            if _has_nan(value):
                raise ValueError("NaN")  # noqa: TRY301 - as what json says of it; pydantic would make it null
            output: JsonValue = self._returns.dump_python(value, mode="json", by_alias=True, warnings="error")
            json.dumps(output, allow_nan=False, ensure_ascii=False).encode()  # pydantic lets NaN and half emojis pass
        except ValidationError as error:
            raise _broken_promise("; ".join(problems_of(error))) from error
        except (ValueError, TypeError, RecursionError) as error:
            raise _broken_promise("it is not JSON") from error  # the text of these quotes the value
        return output


def _has_nan(value: object) -> bool:
    """Whether a number that JSON does not have is in it, as far as it is made of Python's own types."""
    match value:
        case float():
            return not math.isfinite(value)
        case dict():
            return any(map(_has_nan, cast("dict[object, object]", value).values()))
        case list() | tuple() | set() | frozenset():
            return any(map(_has_nan, cast("Iterable[object]", value)))
        case _:
            return False


def _broken_promise(reason: str) -> ToolError:
    return ToolError(f"The tool did not return what it promises: {shortened(reason)}", INVALID_OUTPUT)
