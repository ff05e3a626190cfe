"""The conversations of the pydantic-ai server: agents whose model says what a script says.

A script is a function of the messages since the last user message; it yields what the model streams.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from types import NoneType
from typing import Any, Final, Literal

from pydantic import JsonValue
from pydantic_ai import Agent, DeferredToolRequests, ModelRetry, RunContext, Tool
from pydantic_ai.exceptions import ToolFailed
from pydantic_ai.messages import ModelMessage, ModelRequest, ToolReturnPart
from pydantic_ai.models import ModelRequestParameters, StreamedResponse
from pydantic_ai.models.function import AgentInfo, DeltaThinkingPart, DeltaToolCall, FunctionModel
from pydantic_ai.models.test import TestModel
from pydantic_ai.settings import ModelSettings

Said = str | dict[int, DeltaToolCall] | dict[int, DeltaThinkingPart]
Script = Callable[[Sequence[ToolReturnPart]], Sequence[Said | Exception]]
AnyAgent = Agent[None, str | DeferredToolRequests]


class ScriptedModel(FunctionModel):
    """A model that says what its script says, and why it stopped."""

    def __init__(self, script: Script, finish_reason: Literal["stop", "length"] = "stop") -> None:
        self._finish_reason: Literal["stop", "length"] = finish_reason

        async def say(messages: list[ModelMessage], _: AgentInfo) -> AsyncIterator[Any]:
            for said in script(results(messages)):
                if isinstance(said, Exception):
                    raise said
                yield said

        super().__init__(stream_function=say)

    @asynccontextmanager
    async def request_stream(
        self,
        messages: list[ModelMessage],
        model_settings: ModelSettings | None,
        model_request_parameters: ModelRequestParameters,
        run_context: RunContext[Any] | None = None,
    ) -> AsyncGenerator[StreamedResponse]:
        """The stream, which knows how it will end."""
        stream = super().request_stream(messages, model_settings, model_request_parameters, run_context)
        async with stream as response:
            response.finish_reason = self._finish_reason
            yield response


def results(messages: Sequence[ModelMessage]) -> list[ToolReturnPart]:
    """The tool results so far, oldest first."""
    requests = [message for message in messages if isinstance(message, ModelRequest)]
    return [part for request in requests for part in request.parts if isinstance(part, ToolReturnPart)]


def call(tool_call_id: str, name: str, *json_pieces: str, index: int = 0) -> list[Said]:
    """A tool call whose input comes in pieces."""
    first = {index: DeltaToolCall(name, None, tool_call_id=tool_call_id)}
    return [first, *({index: DeltaToolCall(json_args=piece)} for piece in json_pieces)]


def query(sql: str, limit: int = 10) -> dict[str, JsonValue]:
    """A tool that answers."""
    rows: list[JsonValue] = [{"sql": sql, "price": "5 €"}]
    return {"rows": rows[:limit], "more": None}


def stubborn(sql: str) -> str:
    """A tool that wants to be asked in another way."""
    if sql == "SELECT 1":
        raise ModelRetry("Name a table")
    return f"{sql} gave 12 rows"


def broken(sql: str) -> str:
    """A tool that fails for good."""
    raise ToolFailed(f"The warehouse is closed for {sql}")


def create_bucket(name: str) -> dict[str, JsonValue]:
    """A tool that waits for the user."""
    return {"created": f"in.c-{name}"}


def says_twice(first: Sequence[Said], then: Sequence[Said]) -> Script:
    """A model that calls tools once and then speaks."""
    return lambda done: then if done else first


def asks_for(*names: str) -> Script:
    """A model that creates these buckets, and says what came of it."""
    calls = [call(f"call-{i}", "create_bucket", '{"name":', f'"{name}"}}', index=i) for i, name in enumerate(names, 1)]

    def script(done: Sequence[ToolReturnPart]) -> Sequence[Said | Exception]:
        if not done:
            return [piece for pieces in calls for piece in pieces]
        return ["So: ", ", ".join(sorted(f"{part.tool_call_id} {part.outcome} {part.content}" for part in done)), "."]

    return script


OUTPUT: Final = [str, DeferredToolRequests]
QUERY: Final = call("call-1", "query", '{"sql": "SELECT ', '\\"ü\\""', ', "limit": 5}')


def agent(script: Script, *tools: Tool[None], finish_reason: Literal["stop", "length"] = "stop") -> AnyAgent:
    """An agent that may ask for approval and else answers in text."""
    return Agent(ScriptedModel(script, finish_reason), deps_type=NoneType, output_type=OUTPUT, tools=tools)


def two_tries(done: Sequence[ToolReturnPart]) -> list[Said]:
    """Asks the stubborn tool until it answers."""
    if len(done) < 2:
        return call(f"call-{len(done) + 1}", "stubborn", '{"sql": "SELECT ', f'{len(done) + 1}"}}')
    return ["It ", "worked."]


SCENARIOS: Final[dict[str, AnyAgent]] = {
    "text": agent(lambda _: ["Hello", ", ", "duck 🦆", " and one\u2028two\u2029three\u0085four", "\nend."]),
    "length": agent(lambda _: ["Cut ", "off"], finish_reason="length"),
    "reasoning": agent(
        lambda _: [{0: DeltaThinkingPart(content="First ")}, {0: DeltaThinkingPart(content="I think.")}, "I speak."]
    ),
    "tool": agent(says_twice(["Let me ", "look.", *QUERY], ["There is ", "one row."]), Tool(query)),
    "two-tools": agent(
        says_twice([*QUERY, *call("call-2", "query", '{"sql": "SELECT 2"}', index=1)], ["Both."]), Tool(query)
    ),
    "retry": agent(two_tries, Tool(stubborn)),
    "tool-fails": agent(says_twice(call("call-1", "broken", '{"sql": "x"}'), ["No ", "luck."]), Tool(broken)),
    "invalid-input": agent(
        says_twice(call("call-1", "query", '{"limit": "many"}'), ["That did not ", "work."]), Tool(query)
    ),
    "unknown-tool": agent(says_twice(call("call-1", "no_such_tool", '{"a": 1}'), ["I see."]), Tool(query)),
    "test-model": Agent(TestModel(seed=1), deps_type=NoneType, output_type=OUTPUT, tools=[Tool(query)]),
    "approval": agent(asks_for("sales"), Tool(create_bucket, requires_approval=True)),
    "two-approvals": agent(asks_for("sales", "stock"), Tool(create_bucket, requires_approval=True)),
    "error-midstream": agent(lambda _: ["This goes ", "well", RuntimeError("The model is overloaded")]),
}
