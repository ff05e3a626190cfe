# Made of kai_client/toolbox/toolbox.py by scripts/generate_sync.py: change that, and run this.
"""Functions that a model may call, and policies for the tools that it calls elsewhere."""

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Generic, Self, overload

from pydantic import JsonValue
from typing_extensions import TypeVar

from kai_client.approvals.decisions import Ruling, ToolCall
from kai_client.approvals.results import LocalResult
from kai_client.exceptions import KaiError
from kai_client.sync.approvals.policy import Policy
from kai_client.sync.toolbox.function import ToolFunction
from kai_client.sync.toolbox.lifetime import Lifespan, Lifetime
from kai_client.sync.toolbox.policy import PolicyFunction
from kai_client.telemetry import ToolBegan, ToolEnded, observed
from kai_client.toolbox.context import StateT, ToolContext
from kai_client.toolbox.errors import ToolError
from kai_client.toolbox.schema import ToolSchema

__all__ = ["Toolbox"]

ToolT = TypeVar("ToolT", bound=Callable[..., Any])
PolicyT = TypeVar("PolicyT", bound=Callable[..., Ruling])


class Toolbox(Generic[StateT]):
    """Typed functions as tools: JSON in, validated, JSON out.

        tools = Toolbox(lifespan=lifespan)

        @tools.tool
        def top_customers(query: Query, params: Params, context: ToolContext[Warehouse]) -> Report: ...

        @tools.approve("run_job")
        def run_job(component_id: str, call: ToolCall) -> bool | Denial: ...

        with tools:
            output = tools.execute("top_customers", {"region": "eu"}, params={"limit": 3})

    `with` runs the lifespan; without one, a toolbox works at once. It can be entered again after it was left. Leaving
    shuts down what the lifespan started, and does not wait for calls that others still run. It is a `LocalTools`.
    """

    @overload
    def __init__(self: "Toolbox[None]", lifespan: None = None) -> None: ...
    @overload
    def __init__(self, lifespan: Lifespan[StateT]) -> None: ...
    def __init__(self, lifespan: Lifespan[Any] | None = None) -> None:
        self._lifetime: Lifetime[StateT] = Lifetime(lifespan)
        self._tools: dict[str, ToolFunction] = {}
        self._policies: dict[str, Policy] = {}

    @overload
    def tool(self, function: ToolT, /, *, name: str | None = None, description: str | None = None) -> ToolT: ...
    @overload
    def tool(
        self, function: None = None, /, *, name: str | None = None, description: str | None = None
    ) -> Callable[[ToolT], ToolT]: ...
    def tool(
        self, function: Callable[..., Any] | None = None, /, *, name: str | None = None, description: str | None = None
    ) -> Callable[..., Any]:
        """Makes a function a tool and returns it unchanged; `description` is its docstring unless given.

        One parameter that is a pydantic model is the whole input; otherwise each parameter is a key of it, and other keys are
        refused. A model named `params` holds settings beside the input. A `ToolContext` is filled in. It runs
        in the thread that calls it, and is no coroutine function.

        Raises `TypeError` for a function that cannot be called with JSON, `ValueError` for a name that is taken.
        """

        def register(function: ToolT) -> ToolT:
            tool = ToolFunction(function, name=name, description=description)
            self._tools[self._free(tool.schema.name)] = tool
            return function

        return register if function is None else register(function)

    def approve(self, *names: str) -> Callable[[PolicyT], PolicyT]:
        """Makes a function the policy of tools that the backend runs, and returns it unchanged.

        Its parameters are the arguments that it looks at, or one pydantic model is all of them; a `ToolCall` is the call
        itself, its `input` the model in `ToolCall[Model]`. They are validated strictly: `"false"` is no bool. Invalid
        arguments are denied with the reason, and the function is not asked. It is no coroutine function.

        Raises `TypeError` and `ValueError` as `tool` does.
        """
        if not names or not all(isinstance(name, str) for name in names):  # pyright: ignore[reportUnnecessaryIsInstance] - `@tools.approve` without names
            raise TypeError('approve() takes the names of tools: @tools.approve("run_job")')

        def register(function: PolicyT) -> PolicyT:
            policy = PolicyFunction(function, lambda: self._lifetime.state)
            self._policies |= {self._free(name): policy for name in names}
            return function

        return register

    def __enter__(self) -> Self:
        self._lifetime.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lifetime.stop(kind, error, traceback)

    def schemas(self) -> list[ToolSchema]:
        """What each tool takes and gives, in the order in which they were made."""
        return [tool.schema for tool in self._tools.values()]

    def execute(
        self,
        name: str,
        inputs: Mapping[str, JsonValue] | JsonValue,
        *,
        params: Mapping[str, JsonValue] | JsonValue = None,
        call: ToolCall[Any] | None = None,
    ) -> JsonValue:
        """The tool's result as JSON, which fits its output schema.

        Raises `ToolError` when the arguments are invalid (what is no JSON object, for instance), the tool fails, or it
        returns something else than it promises;
        `KaiError` with the code `tool:unknown` for a tool that is not here; `KaiConfigError` or `KaiClosedError` when the
        toolbox has a lifespan and is not inside `with`, or was left.
        """
        tool = self._named(name)
        context = ToolContext(state=self._lifetime.state, tool_name=name, call=call)
        with observed(ToolBegan(name=name, call_id=call.tool_call_id if call else None, input=inputs)) as seen:
            output = tool.run(inputs, params, context)
            seen.ending = ToolEnded(output=output)
            return output

    def runs(self, tool_name: str) -> bool:
        """Whether this tool is one of these functions."""
        return tool_name in self._tools

    def policy_for(self, tool_name: str) -> Policy | None:
        """The policy for a tool of the backend, if there is one."""
        return self._policies.get(tool_name)

    def answer(self, call: ToolCall[Any]) -> LocalResult:
        """What came of a call: a `ToolError` is the result's error; everything else that `execute` raises is raised."""
        inputs, params = self._named(call.tool_name).schema.split(call.input)
        try:
            return LocalResult(output=self.execute(call.tool_name, inputs, params=params, call=call))
        except ToolError as error:
            return LocalResult(error=error.message)

    def _named(self, name: str) -> ToolFunction:
        if name not in self._tools:
            known = ", ".join(self._tools) or "none"
            raise KaiError(f"There is no tool {name!r} here; there are: {known}", "tool:unknown")
        return self._tools[name]

    def _free(self, name: str) -> str:
        if name in self._tools or name in self._policies:
            kind = "tool" if name in self._tools else "policy"
            raise ValueError(f"There is a {kind} named {name!r} already")
        return name
