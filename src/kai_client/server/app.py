"""`kai_app`: the HTTP face of Kai over any backend."""

from collections.abc import AsyncGenerator, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import cache
from typing import Any, cast, get_args

from fastapi import APIRouter, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from kai_client.backend import ChatBackend
from kai_client.exceptions import KaiError

from .faults import Fault, Mode, error_body, fault_of, refusal
from .hub import Hub, StorageIndex
from .recorder import RecordedRequest, Recorder
from .routes import account, chat, chats, storage
from .routes.storage import OTHER_MODE, service_id
from .service import KaiHost, KaiService
from .staging import Stage, StagedResponse
from .wire import WireStyle

__all__ = ["KaiApp", "kai_app"]


class KaiApp(FastAPI):
    """The ASGI app that `kai_app` makes, with what a test wants to turn and to see."""

    hub: Hub

    @property
    def requests(self) -> list[RecordedRequest]:
        """What was asked so far, oldest first; the newest `record` of them are kept. Tokens are left out."""
        return list(self.hub.requests)

    @property
    def style(self) -> WireStyle:
        """How streams look that `next_stream` did not speak of; may be set."""
        return self.hub.style

    @style.setter
    def style(self, style: WireStyle) -> None:
        self.hub.style = style

    def next_stream(self, style: WireStyle | None = None, **changes: Any) -> None:
        """The next stream that begins looks like this: `next_stream(drop_after=3)`. Several wait in line.

        `changes` are fields of `WireStyle`, on top of `style` or of the app's. Raises `TypeError` for any other name.
        """
        self.hub.next_styles.append(replace(style or self.style, **changes))

    def next_response(self, status: int | None = None, **fields: Any) -> None:
        """The next request gets this answer: `next_response(503, retry_after=1)`. Several wait in line.

        `fields` are those of `StagedResponse`: `path` and `method` say which request it is for, by default any but discovery's.
        Raises `TypeError` for any other name, `ValueError` where nothing would be changed.
        """
        self.hub.next_responses.append(StagedResponse(status=status, **fields))

    @property
    def index(self) -> StorageIndex:
        """What discovery finds from now on; may be set."""
        return self.hub.index

    @index.setter
    def index(self, index: StorageIndex) -> None:
        self.hub.index = index

    @property
    def stand_in(self) -> ASGIApp | None:
        """What answers all requests instead of the app, staged responses first; may be set."""
        return self.hub.stand_in

    @stand_in.setter
    def stand_in(self, app: ASGIApp | None) -> None:
        self.hub.stand_in = app


def kai_app(
    backend: ChatBackend | KaiService | KaiHost,
    *,
    mode: Mode = "agent",
    tokens: Collection[str] | None = None,
    style: WireStyle | None = None,
    index: StorageIndex | None = None,
    record: int = 1000,
) -> KaiApp:
    """An ASGI app that speaks Storage API discovery and Kai's 17 endpoints (protocol 2.1) for `backend`.

    `backend` is a `KaiHost` such as `ScriptedKai`, which keeps callers apart by their tokens; a whole `KaiService` such as
    `KaiClient`, on whose account all callers then are, so name them in `tokens`; or any `ChatBackend`, for which a
    `StoredKai` in memory keeps chats, votes, settings and usage.

    `mode` is whose manners the app has, kai-agent's or kai-assistant's; an app in agent mode has the other service under
    `/kai-assistant`, and its index lists both. `tokens` are the ones accepted, by default any. The newest `record`
    requests are kept for `KaiApp.requests`.

    A host is closed when the app shuts down, a service is not: whoever opened it closes it. Raises `ValueError` for another `mode`.
    """
    if mode not in get_args(Mode):
        raise ValueError(f"mode is 'agent' or 'assistant', not {mode!r}")
    hub = Hub(backend, tokens=tokens, style=style or WireStyle(), index=index or StorageIndex(), record=record)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        yield
        await hub.aclose()

    app = _bare_app(hub, mode, lifespan=lifespan)
    app.include_router(storage.router)
    app.add_middleware(Stage, take=hub.take_response, stand_in=lambda: hub.stand_in)
    app.add_middleware(Recorder, keep=hub.requests.append)  # the outermost: what is staged was asked for, too
    if mode == "agent":
        other = OTHER_MODE[mode]
        app.mount(f"/{service_id(other)}", _bare_app(hub, other))
    return app


def _bare_app(hub: Hub, mode: Mode, **settings: Any) -> KaiApp:
    app = KaiApp(title=f"Kai ({mode})", **settings)
    app.hub = hub
    app.state.hub = hub
    app.state.mode = mode
    app.router.routes.extend(_routes())
    app.add_exception_handler(RequestValidationError, _refuse)
    app.add_exception_handler(HTTPException, _no_route)
    app.add_exception_handler(Exception, _fail)
    # Not one handler for both: Starlette raises again what comes to that of Exception, so that bugs are logged.
    app.add_exception_handler(KaiError, _fail)
    return app


@cache
def _routes() -> Sequence[BaseRoute]:
    """The routes that both modes have. All apps share them: what FastAPI builds at their first request costs 10 ms."""
    shared = APIRouter()
    for routes in (chat, chats, account):
        shared.include_router(routes.router)
    return tuple(shared.routes)


def _answer(request: Request, fault: Fault) -> JSONResponse:
    headers = {} if fault.retry_after is None else {"retry-after": str(round(fault.retry_after))}
    return JSONResponse(error_body(cast("Mode", request.app.state.mode), fault), fault.status, headers=headers)


async def _fail(request: Request, error: Exception) -> JSONResponse:
    return _answer(request, fault_of(error))


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    """400 with the names of the fields and what is wrong with them, without their values (protocol 2.3)."""
    problems = cast("RequestValidationError", error).errors()
    texts = (f"{'.'.join(str(step) for step in problem['loc'][1:])}: {problem['msg']}" for problem in problems[:3])
    return _answer(request, fault_of(refusal("bad_request:api", "The request is not valid.", cause="; ".join(texts))))


async def _no_route(request: Request, error: Exception) -> JSONResponse:
    status = cast("HTTPException", error).status_code
    if status == 404:  # noqa: PLR2004
        return _answer(request, Fault(404, "not_found:api", "There is no such route."))
    return _answer(request, Fault(status, "bad_request:api", "The request is not valid."))
