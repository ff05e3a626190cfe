"""One function of a toolbox as an HTTP service: `POST /execute`, `GET /metadata`, `GET /health`.

Run: uv run uvicorn app:app
"""

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from functions import tools
from pydantic import BaseModel, ConfigDict, JsonValue

from kai_client.toolbox import Toolbox, ToolError

RETRY_AFTER_SECONDS = 2
log = logging.getLogger(__name__)


class ExecuteRequest(BaseModel):
    """The body of `POST /execute`; the function validates what is in it."""

    model_config = ConfigDict(extra="forbid")

    inputs: JsonValue
    params: JsonValue = None


class ExecuteResponse(BaseModel):
    """The function's result."""

    output: JsonValue


class NotReadyError(Exception):
    """The start-up has not ended, or has failed."""


class Startup:
    """Starts a toolbox behind the server's back, so that the port answers from the first moment."""

    def __init__(self, tools: Toolbox[Any]) -> None:
        self.problem: str | None = "The function is starting."
        self._tools = tools
        self._over = asyncio.Event()

    async def run(self) -> None:
        """Start, wait for the end, shut down. A start-up that fails stays the problem until somebody deploys again."""
        try:
            async with self._tools:
                self.problem = None
                await self._over.wait()
        except Exception as error:
            if self.problem is None:
                raise  # it was the shut-down that failed
            log.exception("The function did not start")
            self.problem = f"The function did not start: {type(error).__name__}: {error}"

    @asynccontextmanager
    async def in_background(self) -> AsyncGenerator[None]:
        """Runs during the block, and ends after it; a start-up that is still going on is cancelled."""
        running = asyncio.create_task(self.run())
        try:
            yield
        finally:
            if self.problem is None:
                self._over.set()
            else:
                running.cancel()
            with suppress(asyncio.CancelledError):
                await running


def create_app(tools: Toolbox[Any], name: str) -> FastAPI:
    """Serves one function. Raises `ValueError` for a name that the toolbox does not have."""
    schema = next((schema for schema in tools.schemas() if schema.name == name), None)
    if schema is None:
        raise ValueError(f"There is no function {name!r}; there are: {', '.join(s.name for s in tools.schemas())}")

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        app.state.startup = Startup(tools)
        async with app.state.startup.in_background():
            yield

    app = FastAPI(title=name, description=schema.description, lifespan=lifespan)
    app.add_exception_handler(NotReadyError, not_ready)
    app.add_exception_handler(RequestValidationError, invalid_body)
    app.add_exception_handler(ToolError, tool_failed)

    @app.get("/metadata")
    async def metadata() -> dict[str, JsonValue]:
        """What the function takes and gives, as JSON Schemas; known before it has started."""
        return schema.to_dict()

    @app.get("/health")
    async def health(request: Request) -> dict[str, str]:
        """200 when the function can be called, else 503."""
        check_ready(request)
        return {"status": "ready"}

    @app.post("/execute")
    async def execute(body: ExecuteRequest, request: Request) -> ExecuteResponse:
        """Call the function."""
        check_ready(request)
        return ExecuteResponse(output=await tools.execute(name, body.inputs, params=body.params))

    return app


def check_ready(request: Request) -> None:
    """Raise `NotReadyError` until the start-up has ended well."""
    startup: Startup = request.app.state.startup
    if startup.problem is not None:
        raise NotReadyError(startup.problem)


async def not_ready(_: Request, error: Exception) -> JSONResponse:
    """503, and when to try again."""
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}
    return JSONResponse({"error": str(error), "code": "not_ready"}, status_code=503, headers=headers)


async def invalid_body(_: Request, error: Exception) -> JSONResponse:
    """422: the body is not what `ExecuteRequest` says."""
    details: Sequence[Any] = error.errors() if isinstance(error, RequestValidationError) else []
    problems = "; ".join(f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in details)
    return JSONResponse({"error": problems, "code": "invalid_body"}, status_code=422)


async def tool_failed(_: Request, error: Exception) -> JSONResponse:
    """422 for arguments that the function refuses, 500 for a function that fails; the text is the function's."""
    code = error.code if isinstance(error, ToolError) else None
    text = error.message if isinstance(error, ToolError) else str(error)
    return JSONResponse({"error": text, "code": code}, status_code=422 if code == "tool:invalid_input" else 500)


app = create_app(tools, os.environ.get("FUNCTION", "top_customers"))
