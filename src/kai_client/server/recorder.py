"""What clients sent, for tests to look at; secrets are left out."""

import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import parse_qsl

from pydantic import JsonValue
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .redaction import REDACTED, SECRET_HEADERS, secrets_in, without

__all__ = ["RecordedRequest", "Recorder"]


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it arrived; what its headers say is secret is `***` wherever else it is written."""

    method: str
    path: str
    query: dict[str, str] = field(default_factory=dict[str, str])
    headers: dict[str, str] = field(default_factory=dict[str, str], repr=False)
    """By lower-case name; tokens and cookies are `***`."""
    body: JsonValue = None
    """The JSON value, or the text where it is none; None for an empty body."""


class Recorder:
    """An ASGI middleware that hands each request to `keep`, once its body is complete and before it is answered."""

    def __init__(self, app: ASGIApp, keep: Callable[[RecordedRequest], None]) -> None:
        self._app = app
        self._keep = keep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Record, then answer; what is no HTTP request passes by."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        received: deque[Message] = deque()
        while not received or (received[-1]["type"] == "http.request" and received[-1].get("more_body", False)):
            received.append(await receive())
        body = b"".join(message.get("body", b"") for message in received)
        self._keep(_recorded(scope, body))

        async def replay() -> Message:
            return received.popleft() if received else await receive()

        await self._app(scope, replay, send)


def _recorded(scope: Scope, body: bytes) -> RecordedRequest:
    headers = Headers(raw=scope["headers"]).items()
    secrets = secrets_in(headers)
    query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return RecordedRequest(
        method=scope["method"],
        path=without(secrets, scope["path"]),
        query={without(secrets, name): without(secrets, value) for name, value in query},
        headers={name: REDACTED if name in SECRET_HEADERS else without(secrets, value) for name, value in headers},
        body=_decoded(without(secrets, body.decode("utf-8", "replace"))),
    )


def _decoded(text: str) -> JsonValue:
    if not text:
        return None
    try:
        return cast("JsonValue", json.loads(text))
    except ValueError:
        return text
