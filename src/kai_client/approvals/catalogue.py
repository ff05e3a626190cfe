"""Which tools the backend runs without asking, so that nobody is asked about them (protocol 2.5)."""

from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeVar

from kai_client.exceptions import KaiClosedError, KaiError, KaiNotFoundError, KaiTimeoutError
from kai_client.models import ToolsListResponse, UserAgentSettings

__all__ = ["ToolCatalogue", "ToolSource", "is_absent", "is_crowded"]

AnswerT = TypeVar("AnswerT", ToolsListResponse, UserAgentSettings)

_NO_SUCH_METHOD: Final = 405


class ToolSource(Protocol):
    """Where the catalogue comes from; `KaiClient` is one."""

    async def get_tools(self) -> ToolsListResponse:
        """The tools, and which of them only read."""
        ...

    async def get_user_settings(self) -> UserAgentSettings:
        """What the user permits."""
        ...


class ToolCatalogue:
    """The backend's tools and the user's permissions, fetched when the first tool is called."""

    def __init__(self, source: ToolSource) -> None:
        self._source = source
        self._fetched = False
        self._read_only: dict[str, bool] = {}
        self._permissions: dict[str, str] = {}
        self._is_offered = True
        self._knows_permissions = True

    async def is_offered(self) -> bool:
        """Whether the backend has a catalogue at all, as kai-agent does and kai-assistant does not (protocol 2.1)."""
        await self._fetch()
        return self._is_offered

    async def read_only(self, tool: str) -> bool | None:
        """Whether the tool only reads; None where nobody says."""
        await self._fetch()
        return self._read_only.get(tool)

    async def may_wait(self, tool: str) -> bool:
        """Whether a call of `tool` may be waiting for a human.

        Read-only tools run at once unless the user wants to be asked, others wait unless the user allowed them; a blocked
        one never waits. A tool that nobody knows may.
        """
        await self._fetch()
        permission = self._permissions.get(tool)
        if permission is None:
            return not (self._read_only.get(tool, False) and self._knows_permissions)
        return permission not in {"always_allow", "blocked"}

    async def _fetch(self) -> None:
        if self._fetched:
            return
        tools = await self._if_offered(self._source.get_tools)
        if self._is_offered:
            settings = await self._if_offered(self._source.get_user_settings)
            self._knows_permissions = settings is not None or not self._is_offered
            self._is_offered = True
            self._permissions = (settings.tool_permissions if settings else None) or {}
        self._read_only = {tool.name: tool.read_only for tool in tools.tools} if tools else {}
        self._fetched = True

    async def _if_offered(self, request: Callable[[], Awaitable[AnswerT]]) -> AnswerT | None:
        """The answer; None from a backend that has none: to ask once too often is harmless, to give up the answer is not."""
        try:
            return await request()
        except KaiError as error:
            if isinstance(error, KaiClosedError) or is_crowded(error):
                raise
            # A web application answers with a page where an API would with a 404.
            self._is_offered = not (is_absent(error) or error.code == "response:not_json")
            return None


def is_absent(error: KaiError) -> bool:
    """Whether there is no such route, or nothing under it."""
    return isinstance(error, KaiNotFoundError) or error.status_code == _NO_SUCH_METHOD


def is_crowded(error: KaiError) -> bool:
    """Whether there was no free connection beside the open stream."""
    return isinstance(error, KaiTimeoutError) and error.code == "timeout:pool"
