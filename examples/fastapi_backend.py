"""A web backend between a browser and Kai: answers travel in the AI SDK's own wire format, so that `useChat` works against it.

`uv run python examples/fastapi_backend.py` serves a page, too. docs/web-backends.md has the React side, and what is yours to add.
"""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Self
from uuid import UUID

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import FileResponse, PlainTextResponse
from pydantic import BaseModel, Field, model_validator

from connect import connect
from kai_client import (
    Denial,
    FinishEvent,
    KaiClient,
    KaiError,
    Ruling,
    SSEEvent,
    ToolApprovalRequestEvent,
    ToolApprovalState,
    ToolCall,
    ToolOutputDeniedEvent,
    UIMessage,
    with_timeout,
)
from kai_client.server import serve, ui_message_response

DECISION_SECONDS = 300  # how long an answer waits for the user's decision about a tool call


class ChatRequest(BaseModel):
    """What `useChat` posts (AI SDK 6 and 7). Kai's chat ids are UUIDs: `useChat({ generateId: () => crypto.randomUUID() })`."""

    id: UUID
    messages: list[UIMessage] = Field(min_length=1)

    @property
    def message(self) -> UIMessage:
        """The newest. Kai remembers the others itself: what the browser says of them counts for nothing."""
        return self.messages[-1]

    @property
    def decided(self) -> dict[str, ToolApprovalState]:
        """What the user said about tool calls (`addToolApprovalResponse`), by the id of the call."""
        parts = [part for part in self.message.tool_parts if part.state == "approval-responded"]
        return {part.tool_call_id: part.approval for part in parts if part.approval is not None}

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.decided or (self.message.role == "user" and self.message.text.strip()):
            return self
        raise ValueError("Please write something: Kai answers texts.")


class Turn:
    """One answer of Kai, over as many responses to the browser as it asks questions.

    `useChat` answers a question by another request, after the response has ended. On kai-agent the stream stays open for the
    decision: so the turn outlives the response, and the run's policy waits in it for the next request.
    """

    def __init__(self, kai: KaiClient, chat_id: str, text: str | None) -> None:
        policy = with_timeout(self._decide, DECISION_SECONDS, otherwise=None)  # None: nobody decided, the run ends
        self._stream = kai.run(chat_id, text, approve=policy)
        self._decisions: dict[str, Ruling] = {}
        self._next: asyncio.Task[SSEEvent | None] | None = None
        self._asks = asyncio.get_running_loop().create_future()
        self._answered = asyncio.Event()

    @property
    def waits(self) -> bool:
        """Whether a question is open."""
        return self._asks.done() and self._next is not None and not self._next.done()

    async def _decide(self, call: ToolCall) -> Ruling:
        """The run's policy. What is decided about is the call as Kai made it, not as the browser shows it."""
        while (ruling := self._decisions.get(question_of(call))) is None:
            self._answered.clear()
            self._asks.set_result(call)
            await self._answered.wait()
        return ruling

    async def events(self, decided: dict[str, ToolApprovalState]) -> AsyncGenerator[SSEEvent]:
        """The answer up to its next question, or to its end."""
        for call_id, said in decided.items():
            self._decisions[said.id] = said.approved or Denial(reason=said.reason)
            if not said.approved:
                yield ToolOutputDeniedEvent(tool_call_id=call_id)  # some backends say it in the text only
        if self._asks.done():
            self._asks = asyncio.get_running_loop().create_future()
            self._answered.set()
        while True:
            self._next = self._next or asyncio.create_task(anext(self._stream, None))
            await asyncio.wait({self._next, self._asks}, return_when=asyncio.FIRST_COMPLETED)
            if not self._next.done():
                call = self._asks.result()
                yield ToolApprovalRequestEvent(approval_id=question_of(call), tool_call_id=call.tool_call_id)
                yield FinishEvent(finish_reason="tool-calls")
                return
            event, self._next = self._next.result(), None
            if event is None:
                return
            yield event

    async def aclose(self) -> None:
        """Close the stream; Kai stops."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.gather(self._next, return_exceptions=True)
        await self._stream.aclose()


def question_of(call: ToolCall) -> str:
    """The id under which the browser is asked about a call: kai-assistant has one for that, kai-agent does not."""
    return call.approval_id or call.tool_call_id


class Chats:
    """All chats of one Kai, and the turns that wait for a decision."""

    def __init__(self, kai: KaiClient) -> None:
        self._kai = kai
        self._waiting: dict[str, Turn] = {}

    async def answer(self, request: ChatRequest) -> AsyncGenerator[SSEEvent]:
        """The events for one request. Left early, because the browser has gone, it closes Kai's stream."""
        chat_id, decided = str(request.id), request.decided
        self._waiting = {chat: turn for chat, turn in self._waiting.items() if turn.waits}  # for others it is too late
        turn = self._waiting.pop(chat_id, None)
        if turn is not None and not decided:
            await turn.aclose()  # the user wrote something else
            turn = None
        # Without a text a run goes on with what was asked before this process began: kai-assistant keeps that.
        turn = turn or Turn(self._kai, chat_id, None if decided else request.message.text)
        async with AsyncExitStack() as leaving:
            leaving.push_async_callback(turn.aclose)
            async for event in turn.events(decided):
                yield event
            if turn.waits:
                self._waiting[chat_id] = turn
                leaving.pop_all()

    async def aclose(self) -> None:
        """Close every turn that waits."""
        await asyncio.gather(*(turn.aclose() for turn in self._waiting.values()))


def sentence(error: Exception) -> str | None:
    """What the user reads about an error; None for the ordinary words, which name no token, host or path."""
    late = isinstance(error, KaiError) and error.code in {"approval:no_stream", "approval:none_waiting"}
    return "That question is not open any more. Please ask again." if late else None


def create_app(connected: Callable[[], AbstractAsyncContextManager[KaiClient]] = connect) -> FastAPI:
    """The app, with one client for all of its requests."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[dict[str, Chats]]:
        async with connected() as kai:
            chats = Chats(kai)
            yield {"chats": chats}
            await chats.aclose()

    app = FastAPI(title="A chat with Kai", lifespan=lifespan)

    @app.post("/api/chat")
    async def chat(body: ChatRequest, request: Request) -> Response:
        return ui_message_response(request.state.chats.answer(body), after=body.message, on_error=sentence)

    @app.get("/")
    async def page() -> Response:
        return FileResponse(Path(__file__).with_suffix(".html"))

    @app.exception_handler(RequestValidationError)
    async def refused(_: Request, error: RequestValidationError) -> Response:
        # As plain text, since useChat shows the body as it is.
        texts = [": ".join(map(str, (*problem["loc"][1:], problem["msg"]))) for problem in error.errors()]
        return PlainTextResponse("\n".join(texts).replace("Value error, ", ""), 400)

    return app


async def main() -> None:
    async with serve(create_app(), port=int(os.environ.get("PORT", "8000"))) as url:
        print(f"Chat with Kai on {url}", flush=True)
        await asyncio.Event().wait()  # until Ctrl-C


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
