"""What a fault is, and what a call may make of one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from fault_methods import Method
from fault_server import Exchange

from kai_client import KaiError

RIGHT = "right"
"""The same result as from a good server."""
RESULT = "result"
"""Some result: what the server said, read as well as it can be."""
EITHER = "either"
"""A result or a `KaiError`: it depends on what the method needs of the answer."""

Outcome: TypeAlias = str | type[KaiError]
Serve = Callable[[Exchange], Awaitable[None]]


@dataclass(frozen=True)
class Fault:
    """A way to spoil an answer. Outcomes by what the method wants; `json` and `stream` speak for the rest."""

    name: str
    serve: Serve
    json: Outcome
    stream: Outcome
    any: Outcome | None = None
    answer: Outcome | None = None
    resume: Outcome | None = None
    hasty: bool = False
    """Nothing will come: the call is made with short timeouts."""

    def outcome(self, method: Method) -> Outcome:
        """What the method has to make of it."""
        general = self.json if method.wants in {"json", "any"} else self.stream
        return getattr(self, method.wants) or general


@dataclass
class Table:
    """Faults under the names of the functions that serve them."""

    faults: list[Fault] = field(default_factory=list[Fault])

    def __call__(self, json: Outcome, stream: Outcome | None = None, **more: Any) -> Callable[[Serve], Serve]:
        """Decorates what serves the fault."""

        def add(serve: Serve) -> Serve:
            name = serve.__name__.removeprefix("_").replace("_", " ")
            self.faults.append(Fault(name, serve, json, json if stream is None else stream, **more))
            return serve

        return add
