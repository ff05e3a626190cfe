"""One policy: a function that decides about calls of a tool of the backend, with arguments that fit its types."""

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, Generic, get_args

from pydantic import TypeAdapter

from kai_client.approvals.decisions import Denial, Ruling, ToolCall

from .arguments import Arguments, adapter_of, validated
from .calling import asked
from .context import StateT, ToolContext
from .errors import InvalidArgumentsError
from .signature import Function, signature_of, without

__all__ = ["PolicyFunction"]


class PolicyFunction(Generic[StateT]):
    """A `Policy` made of a function: it is asked only about arguments that are valid, strictly; others are denied."""

    def __init__(self, function: Function, state: Callable[[], StateT]) -> None:
        signature = signature_of(function)
        self._function = asked(function, signature)
        self._state = state
        self._context, rest = without(ToolContext, signature, signature.parameters)
        self._call, rest = without(ToolCall, signature, rest)
        # A policy may look at two arguments of ten.
        self._inputs = Arguments(signature.name, rest, extra="ignore")
        model = get_args(self._call.annotation) if self._call else ()
        self._call_input: TypeAdapter[Any] | None = adapter_of(model[0], signature.name) if model else None

    def __call__(self, call: ToolCall[Any]) -> Ruling | Awaitable[Ruling]:
        """What the function rules, or a `Denial` that tells the model what is wrong with its arguments."""
        try:
            arguments = self._inputs.read(call.input, strict=True)
            if self._call is not None:
                arguments[self._call.name] = self._typed(call)
        except InvalidArgumentsError as error:
            return Denial(reason=str(error))
        if self._context is not None:
            arguments[self._context.name] = ToolContext(state=self._state(), tool_name=call.tool_name, call=call)
        ruling: Ruling | Awaitable[Ruling] = self._function(**arguments)
        return ruling

    def _typed(self, call: ToolCall[Any]) -> ToolCall[Any]:
        if self._call_input is None:
            return call
        return replace(call, input=validated(self._call_input, call.input, strict=True))
