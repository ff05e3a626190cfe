"""How a function is called: in the thread that wants its result."""

import inspect
from typing import Any

from kai_client.toolbox.signature import Function, Signature

__all__ = ["Caller"]


class Caller:
    """Calls one function. Raises `TypeError` for an async one, at once: nobody here could await it."""

    def __init__(self, function: Function, signature: Signature) -> None:
        if signature.is_async:
            raise TypeError(f"{signature.name}() is async: kai_client.Toolbox has such tools, kai_client.sync has not")
        self._function = function

    def returned(self, arguments: dict[str, Any]) -> object:
        """What it returns; raises what it raises, and `TypeError` for an awaitable."""
        returned: object = self._function(**arguments)
        if inspect.isawaitable(returned):
            if inspect.iscoroutine(returned):
                returned.close()
            raise TypeError("The tool returned an awaitable, which nobody here can await")
        return returned
