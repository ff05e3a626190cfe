"""How a function is called: in the thread that wants its result."""

import inspect
from typing import Any

from kai_client.toolbox.signature import Function, Signature

__all__ = ["Caller", "asked"]


class Caller:
    """Calls one function. Raises `TypeError` for an async one, at once: nobody here could await it."""

    def __init__(self, function: Function, signature: Signature) -> None:
        _refuse_async(signature, "tools")
        self._function = function

    def returned(self, arguments: dict[str, Any]) -> object:
        """What it returns; raises what it raises, and `TypeError` for an awaitable."""
        returned: object = self._function(**arguments)
        if inspect.isawaitable(returned):
            if inspect.iscoroutine(returned):
                returned.close()
            raise TypeError("The tool returned an awaitable, which nobody here can await")
        return returned


def asked(function: Function, signature: Signature) -> Function:
    """What a policy asks: `function`. Raises `TypeError` for an async one, at once."""
    _refuse_async(signature, "policies")
    return function


def _refuse_async(signature: Signature, which: str) -> None:
    if signature.is_async:
        raise TypeError(f"{signature.name}() is async: kai_client.Toolbox has such {which}, kai_client.sync has not")
