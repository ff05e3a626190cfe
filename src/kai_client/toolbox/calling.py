"""How a function is called: an async one is awaited, a tool that is not runs in a thread."""

import asyncio
import inspect
from typing import Any

from .errors import failures_as_tool_errors
from .signature import Function, Signature

__all__ = ["Caller", "asked"]


class Caller:
    """Calls one function."""

    def __init__(self, function: Function, signature: Signature) -> None:
        self._function = function
        self._is_async = signature.is_async

    async def returned(self, arguments: dict[str, Any]) -> object:
        """What it returns; raises what it raises."""
        if self._is_async:
            return await self._function(**arguments)

        def call() -> object:
            with failures_as_tool_errors():  # in the thread: a StopIteration could not leave it
                return self._function(**arguments)

        returned = await asyncio.to_thread(call)
        return await returned if inspect.isawaitable(returned) else returned


def asked(function: Function, signature: Signature) -> Function:  # noqa: ARG001 - the blocking client looks at it
    """What a policy asks: `function`, async or not."""
    return function
