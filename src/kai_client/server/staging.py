"""Answers that a test puts in the way: a status, a page where JSON should be, silence."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Final, cast

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from kai_client.types import Json

from .faults import Mode, error_body, fault_of_status
from .gate import Gate

__all__ = ["Stage", "StagedResponse"]

_SERVICE: Final = re.compile(r"^/kai-(agent|assistant)(?=/)")
_STORAGE: Final = "/v2/"
_FIRST_ERROR: Final = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class StagedResponse:
    """What one request gets instead of an answer; `KaiApp.next_response` takes these fields.

    `status` of 400 and more without a body has the error body of the backend, with `code` and `message`. Without a status,
    a `body` and `html` the request is answered as ever, once the `gate` lets it through.
    """

    status: int | None = None
    body: Json = None
    """Sent as JSON."""
    html: str | None = None
    """Sent as it is, as `text/html`."""
    code: str | None = None
    """Such as `rate_limit:chat`; by default that of the status."""
    message: str = "This request failed on purpose."
    retry_after: float | None = None
    """Seconds, as `Retry-After`."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    path: str | None = None
    """Which path it is for: `/api/history`, `/api/chat/*`, `/v2/storage`. None: any of Kai's own, so not discovery."""
    method: str | None = None
    gate: Gate | None = None
    """Nothing is answered before it opens."""

    def __post_init__(self) -> None:
        """Raise `ValueError` for one that changes nothing."""
        if not self.answers and self.gate is None:
            raise ValueError("A staged response needs a status, a body, html or a gate.")

    @property
    def answers(self) -> bool:
        """Whether it is the answer, and not only a wait for it."""
        return self.status is not None or self.body is not None or self.html is not None

    def fits(self, method: str, path: str) -> bool:
        """Whether it is for this request."""
        if self.method is not None and self.method.upper() != method:
            return False
        if self.path is None:
            return not path.startswith(_STORAGE)
        return fnmatchcase(path, self.path) or fnmatchcase(_SERVICE.sub("", path), self.path)

    def response(self, mode: Mode, path: str) -> Response:
        """The answer itself, in the manners of whoever owns the path."""
        retry = {} if self.retry_after is None else {"retry-after": str(round(self.retry_after))}
        headers = {**retry, **self.headers}
        status = self.status or 200
        if self.html is not None:
            return Response(self.html, status, headers, media_type="text/html")
        body = self.body
        if body is None and status >= _FIRST_ERROR:
            body = self._error(mode, path, status)
        content = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
        return Response(content, status, headers, media_type="application/json" if content else None)

    def _error(self, mode: Mode, path: str, status: int) -> Json:
        if path.startswith(_STORAGE):  # the Storage API has manners of its own (protocol 1.5)
            return {"error": self.message, "code": self.code or "", "exceptionId": "on-purpose"}
        return error_body(mode, fault_of_status(status, self.message, self.code))


class Stage:
    """An ASGI middleware: what `take` has for a request is the answer, else what `stand_in` names, else the app."""

    def __init__(
        self,
        app: ASGIApp,
        take: Callable[[str, str], StagedResponse | None],
        stand_in: Callable[[], ASGIApp | None],
    ) -> None:
        self._app = app
        self._take = take
        self._stand_in = stand_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer; what is no HTTP request passes by."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path: str = scope["path"]
        if (staged := self._take(scope["method"], path)) is not None:
            if staged.gate is not None:
                await staged.gate.passed()
            if staged.answers:
                service = _SERVICE.match(path)
                mode = service[1] if service is not None else scope["app"].state.mode
                await staged.response(cast("Mode", mode), path)(scope, receive, send)
                return
        await (self._stand_in() or self._app)(scope, receive, send)
