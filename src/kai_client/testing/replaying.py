"""A recorded conversation, played back to whoever asks the same."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, Literal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from kai_client.server import WireStyle
from kai_client.server.faults import Mode, error_body, fault_of, refusal
from kai_client.server.redaction import secrets_in
from kai_client.server.staged_stream import CutConnectionError, Piece, StagedStream

from .cassette import Cassette, Entry
from .hiding import Hiding, Redact
from .matching import Asked, Ids, difference, line_of

__all__ = ["Replay"]

_INDEX: Final = "/v2/storage"
_FRAME: Final = re.compile(rb".+?(?:\r\n\r\n|\n\n|\r\r|\Z)", re.DOTALL)
_NO_BODY: Final = frozenset({204, 304})


class Replay:
    """An ASGI app that answers each request as it was answered when it was recorded, each answer once.

    Requests that differ may come in another order. An answer that waited for a decision waits for it here, too. `redact` is the
    function that the recording was made with.
    """

    def __init__(self, path: Path, take_style: Callable[[], WireStyle], redact: Redact | None = None) -> None:
        self._path = path
        self._problems: list[str] = []
        self._cassette = Cassette.load(path)
        self._entries = dict(enumerate(self._cassette.entries, 1))
        self._made = {number: asyncio.Event() for number, each in self._entries.items() if each.goes_on is None}
        """The requests, by number: set once they were made."""
        self._take_style = take_style
        self._redact = redact
        self._ids = Ids()

    def texts(self) -> Iterator[str]:
        """The recorded answers."""
        return (entry.answer for entry in self._cassette.entries)

    def problems(self) -> Iterator[str]:
        """What was asked for and is not recorded, and what is and nobody asked for."""
        yield from self._problems
        if left := self._left():
            requests = ", ".join(self._entries[number].request for number in left)
            yield f"The recording {self._path.name} goes on, but nobody asked: {requests}"

    def _left(self) -> list[int]:
        return [number for number, made in self._made.items() if not made.is_set()]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The recorded answer, or 400 with what differs."""
        request = Request(scope, receive)
        asked = await self._asked(request)
        left = self._left()
        number = next((each for each in left if self._ids.match(self._recorded(each), asked)), None)
        if number is not None:
            self._made[number].set()
            response = self._answer(number)
        elif request.method == "GET" and request.url.path == _INDEX:
            response = self._index(str(request.base_url).rstrip("/"))
        else:
            response = self._refused(request, difference(asked, [self._recorded(each) for each in left], self._ids))
        await response(scope, receive, send)

    async def _asked(self, request: Request) -> Asked:
        hidden: list[Literal["emails", "ids"]] = ["emails"] if "emails" in self._cassette.hidden else []
        hiding = Hiding(hidden, self._redact, secrets_in(request.headers.items()))
        body = (await request.body()).decode("utf-8", "replace")
        return Asked(self._line(hiding.text(line_of(request.scope))), hiding.text(body))

    def _recorded(self, number: int) -> Asked:
        entry = self._entries[number]
        return Asked(self._line(entry.request), entry.sent)

    def _line(self, request: str) -> str:
        """Without the service, which a client without discovery does not name."""
        method, _, path = request.partition(" ")
        service, slash, rest = path.lstrip("/").partition("/")
        return f"{method} /{rest}" if slash and service in self._cassette.services else request

    def _answer(self, number: int) -> Response:
        entry = self._entries[number]
        if entry.status in _NO_BODY:
            return Response(status_code=entry.status)
        is_stream = entry.content_type.startswith("text/event-stream")
        return _Played(entry, self._parts(number), self._ids, self._take_style() if is_stream else WireStyle())

    def _parts(self, number: int) -> list[tuple[asyncio.Event, Entry]]:
        """The parts of an answer, each with the request that it waits for."""
        parts: list[tuple[asyncio.Event, Entry]] = []
        before = self._made[number]
        for each, entry in self._entries.items():
            if entry.goes_on is None:
                before = self._made[each]
            if number in {each, entry.goes_on}:
                parts.append((before, entry))
        return parts

    def _index(self, base: str) -> Response:
        services = [{"id": name, "url": f"{base}/{name}"} for name in self._cassette.services]
        return JSONResponse(
            {"api": "storage", "version": "v2", "services": services or [{"id": "kai-agent", "url": base}]}
        )

    def _refused(self, request: Request, why: str) -> Response:
        text = f"This is not in the recording {self._path.name}:\n{why}"
        self._problems.append(text)
        mode: Mode = "assistant" if "kai-assistant" in request.url.path else "agent"
        return JSONResponse(error_body(mode, fault_of(refusal("bad_request:replay", text))), 400)


class _Played(StagedStream):
    """A recorded answer, event by event."""

    def __init__(self, entry: Entry, parts: Sequence[tuple[asyncio.Event, Entry]], ids: Ids, style: WireStyle) -> None:
        self._parts = parts
        self._ids = ids
        super().__init__(style, AsyncExitStack(), status=entry.status, headers=entry.headers)

    async def chunks(self) -> AsyncIterator[Piece]:
        """The frames; what waited for a decision waits for it. An answer that ended too early ends there again."""
        ended = "whole"
        for made, entry in self._parts:
            await made.wait()
            content = entry.content if entry.answer_base64 else self._ids.of_today(entry.answer).encode()
            for frame in _FRAME.findall(content):
                yield frame
            ended = entry.ended
        if ended == "cut":
            raise CutConnectionError
        if ended == "left":
            await asyncio.Event().wait()  # until the client leaves, as it did
