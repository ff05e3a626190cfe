"""A local Kai, a client of it, a policy that takes notes, and what the backend received."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from uuid import uuid4

from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from kai_client import Approval, KaiClient, Limits, Policy, RetryPolicy, Ruling, ToolCall
from kai_client.server import (
    Caller,
    Execution,
    Item,
    KaiApp,
    KaiHost,
    RecordedRequest,
    ScriptedKai,
    TurnSpec,
    WireStyle,
    ask,
    kai_app,
    say,
    serve,
)
from kai_client.stream import ChatStream

TOKEN = "12-345-SecretSecretSecret"
ONCE = RetryPolicy(attempts=1)


@dataclass(frozen=True)
class Kind:
    """A backend, and whether the client knows which it is."""

    mode: Literal["agent", "assistant"]
    known: bool
    listing: bool = False
    """An assistant that has a catalogue of tools all the same, so that it looks like an agent until its stream ends."""

    def __str__(self) -> str:
        return f"{self.mode}-{'known' if self.known else 'unknown'}{'-listing' if self.listing else ''}"

    def app(self, kai: ScriptedKai | KaiHost, **options: Any) -> tuple[KaiApp, ASGIApp]:
        """The app, and what stands in front of it."""
        app = kai_app(kai, mode=self.mode, **options)
        return app, app if self.mode == "agent" else _Front(app, kai if self.listing else None)


class _Front:
    """Decides whether there is a catalogue: kai-assistant has none (protocol 2.1)."""

    def __init__(self, app: ASGIApp, listed: ScriptedKai | KaiHost | None) -> None:
        self._app = app
        self._listed = listed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path")
        if path == "/api/settings/user" or (path == "/api/settings/tools" and self._listed is None):
            await JSONResponse({"code": "not_found:api", "message": "There is no such route."}, 404)(
                scope, receive, send
            )
        elif path == "/api/settings/tools":
            token = dict(scope["headers"])[b"x-storageapi-token"].decode()
            kai = self._listed if isinstance(self._listed, ScriptedKai) else None
            service = (kai or cast("KaiHost", self._listed)).for_user(Caller(token=token, mode="assistant"))
            tools = (await service.get_tools()).model_dump(by_alias=True, mode="json")
            await JSONResponse(tools)(scope, receive, send)
        else:
            await self._app(scope, receive, send)


AGENT, ASSISTANT = Kind("agent", known=True), Kind("assistant", known=True)
AGENTS = [AGENT, Kind("agent", known=False)]
ASSISTANTS = [ASSISTANT, Kind("assistant", known=False)]
LISTING = Kind("assistant", known=False, listing=True)
KINDS = [*AGENTS, *ASSISTANTS, LISTING]


@dataclass(frozen=True)
class Received:
    """A decision as it arrived at the backend."""

    call_id: str
    approved: object
    reason: object = None
    updated_input: object = None
    answers: object = None


@dataclass(frozen=True)
class Scene:
    """One chat."""

    kind: Kind
    app: KaiApp
    url: str
    client: KaiClient
    kai: ScriptedKai
    chat_id: str = field(default_factory=lambda: str(uuid4()))

    def run(self, approve: Policy, text: str | None = "go", **options: Any) -> ChatStream:
        """The answer to a message in this chat."""
        return self.client.run(self.chat_id, text, approve=approve, **options)

    @property
    def received(self) -> list[Received]:
        """The decisions about this chat, in order."""
        return received(self.app.requests, self.chat_id, self.kind)

    @property
    def posts(self) -> list[RecordedRequest]:
        """What was posted to this chat beside the text of the user."""
        return [request for request in posts(self.app.requests, self.chat_id) if not _is_text(request)]

    async def stored(self) -> Any:
        """The last message as the backend keeps it."""
        return (await self.client.get_chat(self.chat_id)).messages[-1]


@asynccontextmanager
async def scene_of(
    kind: Kind,
    *turn: TurnSpec,
    style: WireStyle | None = None,
    limits: Limits | None = None,
    retry: RetryPolicy | None = None,
    **options: Any,
) -> AsyncGenerator[Scene]:
    """A server whose next answer is `turn`, and a client of it; `options` are those of `ScriptedKai`."""
    kai = ScriptedKai([], **options)
    if turn:
        kai.reply(*turn)
    app, front = kind.app(kai, style=style)
    async with serve(front) as url, client_of(kind, url, limits=limits, retry=retry) as client:
        yield Scene(kind, app, url, client, kai)


@asynccontextmanager
async def client_of(kind: Kind, url: str, token: str = TOKEN, **options: Any) -> AsyncGenerator[KaiClient]:
    """A client of the server at `url`, which speaks as `kind` under its own address."""
    if kind.known:
        async with KaiClient.from_storage_api(token, url, service=f"kai-{kind.mode}", **options) as client:
            yield client
    else:
        async with KaiClient(token, url, url, **options) as client:
            yield client


Rule = Callable[[ToolCall[Any]], Any]


class Notes:
    """A policy that notes what it is asked: `rules` says what it answers, by call id or by a function of the call."""

    def __init__(self, rules: Mapping[str, Any] | Rule | Ruling | Exception, *, is_async: bool = False) -> None:
        self.calls: list[ToolCall[Any]] = []
        self._rules = rules
        self._is_async = is_async

    def __call__(self, call: ToolCall[Any]) -> Any:
        """The answer, or an awaitable of it."""
        self.calls.append(call)
        return self._later(call) if self._is_async else self._answer(call)

    async def _later(self, call: ToolCall[Any]) -> Any:
        await asyncio.sleep(0)
        answer = self._answer(call)
        return await answer if inspect.isawaitable(answer) else answer

    def _answer(self, call: ToolCall[Any]) -> Any:
        rules: Any = self._rules
        if isinstance(rules, Mapping):
            rule: Any = rules[call.tool_call_id]  # pyright: ignore[reportUnknownVariableType]
        else:
            rule = rules(call) if callable(rules) else rules
        if isinstance(rule, BaseException):
            raise rule
        return rule  # pyright: ignore[reportUnknownVariableType]

    @property
    def asked(self) -> list[str]:
        """The ids of the calls that it was asked about, in order."""
        return [call.tool_call_id for call in self.calls]


class Undecided:
    """A policy that never comes to a decision."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        """It was asked."""
        self.asked: list[str] = []

    async def __call__(self, call: ToolCall[Any], /) -> bool:
        """No answer."""
        self.asked.append(call.tool_call_id)
        self.begun.set()
        await asyncio.Event().wait()
        return True


class Watchful:
    """A policy that says yes, and notes each time whether the run had been closed before."""

    def __init__(self) -> None:
        self.closed = False
        self.asked: list[bool] = []

    def __call__(self, _: object, /) -> bool:
        """Yes."""
        self.asked.append(self.closed)
        return True


def posts(requests: Sequence[RecordedRequest], chat_id: str) -> list[RecordedRequest]:
    """Every POST about a chat."""
    return [
        request
        for request in requests
        if request.method == "POST"
        and (
            f"/api/chat/{chat_id}/" in request.path
            or (request.path.endswith("/api/chat") and _chat(request) == chat_id)
        )
    ]


def received(requests: Sequence[RecordedRequest], chat_id: str, kind: Kind) -> list[Received]:
    """The decisions about the calls of a chat, on whichever of the three ways they came.

    What was posted to a route that a listing assistant does not have was not received.
    """
    found: list[Received] = []
    for request in posts(requests, chat_id):
        body: Any = request.body
        if request.path.endswith("/approval"):
            if kind.listing:
                continue
            found.append(_from_approval(body))
            continue
        message = body["message"]
        for part in message["parts"]:
            if message["role"] == "assistant" and part.get("state") == "approval-responded":
                approval = part["approval"]
                found.append(Received(part["toolCallId"], approval.get("approved"), approval.get("reason")))
            elif part["type"] == "tool-result":
                found.append(Received(part["toolCallId"], {"confirmed": True, "denied": False}.get(part["result"])))
    return found


def _from_approval(body: Any) -> Received:
    assert set(body) <= {"toolUseId", "approved", "reason", "updatedInput", "answers"}, body
    assert None not in body.values(), body
    return Received(
        body["toolUseId"], body["approved"], body.get("reason"), body.get("updatedInput"), body.get("answers")
    )


def approvals(scene: Scene) -> list[str]:
    """The ids of the calls that were approved."""
    return [decision.call_id for decision in scene.received if decision.approved is not False]


def _chat(request: RecordedRequest) -> object:
    return request.body.get("id") if isinstance(request.body, dict) else None


def _is_text(request: RecordedRequest) -> bool:
    body: Any = request.body
    if "message" not in body:
        return False
    return body["message"]["role"] == "user" and all(part["type"] == "text" for part in body["message"]["parts"])


def decision_on_the_wire(call_id: str, ruling: Any, *, oldest: bool = False) -> Received:
    """What a ruling must look like when it arrives; the oldest flow takes no reason."""
    if isinstance(ruling, Approval):
        return Received(call_id, approved=True, updated_input=ruling.updated_input, answers=ruling.answers)
    reason = None if isinstance(ruling, bool) or oldest else ruling.reason
    return Received(call_id, approved=ruling is True, reason=reason)


def two_steps(ran: list[Any]) -> list[Item]:
    """A script of three calls in two steps, whose tools note that they ran."""

    def run(execution: Execution) -> str:
        ran.append(execution.input)
        return "ok"

    return [
        ask("a", {"n": 1}, run, id="c1"),
        ask("a", {"n": 2}, run, id="c2"),
        say("So far."),
        ask("b", {"n": 3}, run, id="c3"),
        say("Done."),
    ]


def one_call(ran: list[Any] | None = None) -> list[Item]:
    """A script with one call that waits."""

    def run(execution: Execution) -> str:
        if ran is not None:
            ran.append(execution.input)
        return "ok"

    return [ask("a", {"n": 1}, run, id="c1"), say("Done.")]


async def until(condition: Callable[[], bool]) -> None:
    """Wait for something that happens on its own and at once, but not in this task; the test's own timeout bounds it."""
    while not condition():  # noqa: ASYNC110 - there is no event to wait for: that is what is tested
        await asyncio.sleep(0)
