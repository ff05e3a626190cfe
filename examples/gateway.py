r"""The HTTP gateway of a Kai service on NATS: Kai's own API for `KaiClient`, and `POST /ai/llm/infer` for everybody else.

    KaiClient("any", "http://localhost:8000", "http://localhost:8000")          cannot tell it from Kai itself

    curl localhost:8000/ai/llm/infer -H 'content-type: application/json' \\
         -d '{"model_id": "chat-model", "input": {"prompt": "Which tables do I have?"}, "params": {"stream": true}}'

`/health` says that it runs, `/ready` that a service answers behind it, `/docs` what it takes. `NATS_URL` names the broker, `PORT` the
port, `GATEWAY_TOKENS` the tokens that Kai's own API accepts (all, if it is not set: put something in front of it, then).

Run: uv run python examples/nats_service.py          in another terminal
     uv run python examples/gateway.py
"""

import asyncio
import math
import os
from collections.abc import AsyncGenerator
from typing import Annotated, Any, ClassVar, Final, Literal

import uvicorn
from fastapi import FastAPI, Header, Request, Response
from fastapi.responses import JSONResponse, StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictInt
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from kai_client import ChatStream, KaiConnectionError, KaiError, KaiTimeoutError, RetryPolicy, SSEEvent, TextEvent
from kai_client.nats import NatsKai
from kai_client.server import kai_app

INFER: Final = "/ai/llm/infer"
BODY_BYTES: Final = 256 * 1024
STREAMS: Final = 100
KEEP_ALIVE_SECONDS: Final = 10.0


class Strict(BaseModel):
    """A field that is misspelt is a mistake (422), not a lost prompt."""

    model_config: ClassVar[ConfigDict] = ConfigDict(extra="forbid", protected_namespaces=())


class Text(Strict):
    """A prompt as an object."""

    text: str = Field(min_length=1)


class Input(Strict):
    """What is asked."""

    prompt: Annotated[str, Field(min_length=1)] | Text


class Params(Strict):
    """How it is to be answered; what is not given is Kai's default."""

    stream: StrictBool = False
    chat_id: str | None = None
    visibility: Literal["private", "public"] | None = None
    branch_id: StrictInt | None = None
    hidden: StrictBool | None = None
    request_path: str | None = None


class InferRequest(Strict):
    """A question to Kai."""

    model_id: str = Field(min_length=1)
    input: Annotated[str, Field(min_length=1)] | Input
    params: Params = Params()

    @property
    def text(self) -> str:
        """The prompt, however it was given."""
        prompt = self.input.prompt if isinstance(self.input, Input) else self.input
        return prompt.text if isinstance(prompt, Text) else prompt


class Usage(BaseModel):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class InferResponse(BaseModel):
    """The whole answer."""

    model_config: ClassVar[ConfigDict] = ConfigDict(protected_namespaces=())

    model_id: str
    generation_id: str
    chat_id: str
    output: str
    finish_reason: str | None
    usage: Usage | None = None


class Chunk(BaseModel):
    """One piece of a streamed answer; the last has `is_final`, and says how it ended."""

    index: int
    delta: str = ""
    is_final: bool = False
    event: dict[str, Any] | None = None
    generation_id: str | None = None
    chat_id: str | None = None
    finish_reason: str | None = None
    usage: Usage | None = None
    error: "ErrorDetail | None" = None


class ErrorDetail(BaseModel):
    """What went wrong, in Kai's own codes."""

    code: str
    message: str


class ErrorResponse(BaseModel):
    """An answer that is none."""

    error: ErrorDetail


class Readiness(BaseModel):
    """Whether requests can be answered."""

    status: str


RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/event-stream": {"schema": {"$ref": "#/components/schemas/Chunk"}}}},
    **{status: {"model": ErrorResponse} for status in (400, 401, 403, 404, 409, 413, 429, 500, 502, 503, 504)},
}
"""What else may come, and in which shape."""


class Bounds:
    """How large a body may be, and how many answers are written at once: what is beyond is refused, not waited for."""

    def __init__(self, app: ASGIApp, body_bytes: int, streams: int) -> None:
        self._app = app
        self._body_bytes = body_bytes
        self._free = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Part of the ASGI protocol."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = await self._body(scope, receive)
        if body is None:
            await refusal(413, "payload_too_large:gateway", "The body is too large.")(scope, receive, send)
            return
        receive = replayed(body, receive)
        if not is_answer(scope):
            await self._app(scope, receive, send)
        elif not self._free:
            busy = refusal(429, "rate_limit:gateway", "Too many answers are being written.", retry_after=1)
            await busy(scope, receive, send)
        else:
            self._free -= 1
            try:
                await self._app(scope, receive, send)
            finally:
                self._free += 1

    async def _body(self, scope: Scope, receive: Receive) -> bytes | None:
        """The whole of it; None for one that is too large."""
        if int(dict(scope["headers"]).get(b"content-length", b"0")) > self._body_bytes:
            return None
        body, more = b"", True
        while more and len(body) <= self._body_bytes:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        return body if len(body) <= self._body_bytes else None


def replayed(body: bytes, receive: Receive) -> Receive:
    """`receive` for who has yet to read the body."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Message:
        return first.pop() if first else await receive()

    return replay


def is_answer(scope: Scope) -> bool:
    """Whether Kai is asked, or an answer is read on."""
    method, path = scope["method"], scope["path"]
    return (method == "POST" and path in {INFER, "/api/chat"}) or (
        method == "GET" and path.startswith("/api/chat/") and path.endswith("/stream")
    )


def refusal(status: int, code: str, message: str, retry_after: float | None = None) -> JSONResponse:
    """An error as all of this gateway's, in the words that `KaiClient` reads, too."""
    kind, _, surface = code.partition(":")
    headers = {} if retry_after is None else {"retry-after": str(math.ceil(retry_after))}
    error = {"code": code, "type": kind, "surface": surface, "message": message}
    return JSONResponse({"error": error}, status, headers=headers)


def refused(error: KaiError) -> JSONResponse:
    """A `KaiError` with its own status, where Kai gave it one."""
    status = error.status_code or (503 if isinstance(error, KaiConnectionError) else 502)
    status = 504 if error.status_code is None and isinstance(error, KaiTimeoutError) else status
    return refusal(status, error.code or "bad_response:gateway", error.message, error.retry_after)


class Frames(StreamingResponse):
    """The chunks of a stream whose first event has arrived; the stream ends with the response, however that ends."""

    def __init__(self, stream: ChatStream, first: SSEEvent | None) -> None:
        self._stream = stream
        super().__init__(self._frames(first), media_type="text/event-stream", headers={"cache-control": "no-cache"})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Part of the ASGI protocol."""
        async with self._stream:
            await super().__call__(scope, receive, send)

    async def _frames(self, first: SSEEvent | None) -> AsyncGenerator[str]:
        index = 0
        failure: KaiError | None = None
        event = first
        while event is not None:
            delta = event.text if isinstance(event, TextEvent) else ""
            yield frame(Chunk(index=index, delta=delta, event=event.to_chunk()))
            index += 1
            following = asyncio.ensure_future(anext(self._stream, None))
            try:
                while not (await asyncio.wait({following}, timeout=KEEP_ALIVE_SECONDS))[0]:
                    yield ": keep-alive\n\n"
                event = await following
            except KaiError:
                break
            finally:
                following.cancel()
        try:
            await self._stream.get_final_message()  # an answer may say itself that it failed
        except KaiError as error:
            failure = error
        yield frame(final_chunk(index, self._stream, failure))
        yield "data: [DONE]\n\n"


def frame(chunk: Chunk) -> str:
    """A chunk as a frame of the event stream."""
    return f"data: {chunk.model_dump_json(exclude_none=True)}\n\n"


def final_chunk(index: int, stream: ChatStream, failure: KaiError | None) -> Chunk:
    """How the answer ended."""
    error = None if failure is None else ErrorDetail(code=failure.code or "error", message=failure.message)
    usage = Usage.model_validate(stream.usage, from_attributes=True)
    return Chunk(
        index=index,
        is_final=True,
        generation_id=stream.message.id or None,
        chat_id=stream.chat_id,
        finish_reason=stream.finish_reason,
        usage=usage,
        error=error,
    )


def gateway(
    kai: NatsKai, *, tokens: list[str] | None = None, body_bytes: int = BODY_BYTES, streams: int = STREAMS
) -> FastAPI:
    """The app. `tokens` are those that Kai's own API accepts, by default any."""
    app = FastAPI(title="Kai gateway", summary="Kai over NATS, for who speaks HTTP")
    app.add_middleware(Bounds, body_bytes=body_bytes, streams=streams)

    @app.exception_handler(KaiError)
    async def fail(_: Request, error: KaiError) -> Response:
        return refused(error)

    @app.post(INFER, response_model=InferResponse, responses=RESPONSES)
    async def infer(
        body: InferRequest,
        x_request_id: Annotated[str | None, Header()] = None,
        traceparent: Annotated[str | None, Header()] = None,
        idempotency_key: Annotated[str | None, Header()] = None,
    ) -> InferResponse | Response:
        """Ask Kai: one JSON answer, or chunks as server-sent events with `params.stream`."""
        asking = kai.with_meta(request_id=x_request_id, trace_id=traceparent, idempotency_key=idempotency_key)
        options = body.params.model_dump(exclude_none=True, exclude={"stream", "chat_id"})
        if body.params.stream:
            chat_id = body.params.chat_id or kai.new_chat_id()
            stream = asking.send_message(chat_id, body.text, model=body.model_id, **options)
            # The first event is waited for: what fails before it has its true status.
            return Frames(stream, await anext(stream, None))
        reply = await asking.infer(body.text, chat_id=body.params.chat_id, model=body.model_id, **options)
        return InferResponse.model_validate({**reply.model_dump(), "model_id": body.model_id})

    @app.get("/health")
    async def health() -> Readiness:
        """It runs."""
        return Readiness(status="ok")

    @app.get("/ready", responses={503: {"model": ErrorResponse}})
    async def ready() -> Readiness:
        """A service answers behind it."""
        await kai.with_options(timeout=2).ping()
        return Readiness(status="ready")

    app.mount("/", kai_app(kai, tokens=tokens))
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    return app


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document, with the model of the streamed chunks, which are no JSON answer of a route."""
    document = FastAPI.openapi(app)
    chunks = Chunk.model_json_schema(ref_template="#/components/schemas/{model}")
    document["components"]["schemas"] |= {**chunks.pop("$defs"), "Chunk": chunks}
    return document


async def main() -> None:
    tokens = os.environ.get("GATEWAY_TOKENS")
    url = os.environ.get("NATS_URL", "nats://127.0.0.1:4222")
    # What may be tried again is for the gateway's own callers to decide.
    async with NatsKai.connect(url, retry=RetryPolicy(attempts=1)) as kai:
        app = gateway(kai, tokens=tokens.split(",") if tokens else None)
        port = int(os.environ.get("PORT", "8000"))
        print(f"Kai answers on http://127.0.0.1:{port}{INFER}", flush=True)
        await uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning")).serve()


if __name__ == "__main__":
    asyncio.run(main())
