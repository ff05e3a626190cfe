"""What the routes of an app share: the backend, who may call, how answers look, what was asked."""

from collections import deque
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final, cast

from fastapi import Depends, Request
from starlette.types import ASGIApp

from kai_client.backend import ChatBackend
from kai_client.events import SSEEvent, ToolInputAvailableEvent

from .faults import Mode, refusal
from .incoming import service_for, with_service
from .recorder import RecordedRequest
from .service import Caller, KaiHost, KaiService
from .staging import StagedResponse
from .streams import closing
from .wire import WireStyle

__all__ = ["Authorized", "CallerOf", "Hub", "HubOf", "ServiceOf", "StorageIndex", "agent_only", "assistant_only"]

_SURFACES: Final = {"/api/vote": "vote", "/api/history": "history", "/api/suggestions": "suggestions"}
"""The surfaces of refusals; everything else is about the chat (protocol 3.2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StorageIndex:
    """What discovery finds, and how it fails (protocol 1)."""

    services: Mapping[str, str | None] | None = None
    """URLs by service id, None being an entry without a URL. Default: the app itself, under the address it was asked at."""
    maintenance: int | None = None
    """Answer 503 with this `Retry-After`."""


class Hub:
    """One per app, shared by both of its modes."""

    def __init__(
        self,
        backend: ChatBackend | KaiService | KaiHost,
        *,
        tokens: Collection[str] | None,
        style: WireStyle,
        index: StorageIndex,
        record: int,
    ) -> None:
        self._backend = with_service(backend)
        self._tokens = None if tokens is None else frozenset(tokens)
        self.style = style
        self.next_styles: deque[WireStyle] = deque()
        self.next_responses: deque[StagedResponse] = deque()
        self.stand_in: ASGIApp | None = None
        """What answers instead of the app."""
        self.index = index
        self.requests: deque[RecordedRequest] = deque(maxlen=record)
        self.calls: deque[tuple[str, str]] = deque(maxlen=record)
        """Id and tool of the calls that went out: a decision about one names the id only."""

    def accepts(self, token: str | None) -> bool:
        """Whether the token may call; any may, unless the app was told which."""
        return bool(token) and (self._tokens is None or token in self._tokens)

    def service_for(self, caller: Caller) -> KaiService:
        """The backend as this caller sees it."""
        return service_for(self._backend, caller)

    def take_style(self) -> WireStyle:
        """The style of the stream that begins now."""
        return self.next_styles.popleft() if self.next_styles else self.style

    def take_response(self, method: str, path: str) -> StagedResponse | None:
        """The first answer that waits for such a request."""
        found = next((staged for staged in self.next_responses if staged.fits(method, path)), None)
        if found is not None:
            self.next_responses.remove(found)
        return found

    async def noted(self, events: AsyncIterator[SSEEvent]) -> AsyncIterator[SSEEvent]:
        """The events as they are; their tool calls are noted in `calls`."""
        async with closing(events):
            async for event in events:
                if isinstance(event, ToolInputAvailableEvent):
                    self.calls.append((event.tool_call_id, event.tool_name or ""))
                yield event

    async def aclose(self) -> None:
        """End what the app's own hosts still do; a service, which belongs to whoever opened it, is left open."""
        if isinstance(self._backend, KaiHost) and not isinstance(self._backend, KaiService):
            await self._backend.aclose()


def _hub(request: Request) -> Hub:
    return cast("Hub", request.app.state.hub)


def _mode(request: Request) -> Mode:
    return cast("Mode", request.app.state.mode)


HubOf = Annotated[Hub, Depends(_hub)]
_ModeOf = Annotated[Mode, Depends(_mode)]


def _caller(request: Request, hub: HubOf, mode: _ModeOf) -> Caller:
    token = request.headers.get("x-storageapi-token")
    if token is None or not hub.accepts(token):
        path = request.url.path
        surface = next((found for prefix, found in _SURFACES.items() if prefix in path), "chat")
        raise refusal(f"unauthorized:{surface}", "The Storage API token is missing or not accepted.")
    return Caller(
        token=token,
        mode=mode,
        storage_url=request.headers.get("x-storageapi-url", ""),
        workspace_id=request.headers.get("x-workspace-id"),
    )


CallerOf = Annotated[Caller, Depends(_caller)]
Authorized: Any = Depends(_caller)


def _service(hub: HubOf, caller: CallerOf) -> KaiService:
    return hub.service_for(caller)


ServiceOf = Annotated[KaiService, Depends(_service)]


def agent_only(mode: _ModeOf) -> None:
    """The route exists on kai-agent only (protocol 2.1)."""
    if mode != "agent":
        raise refusal("not_found:api", "There is no such route.")


def assistant_only(mode: _ModeOf) -> None:
    """The route exists on kai-assistant only."""
    if mode != "assistant":
        raise refusal("not_found:api", "There is no such route.")
