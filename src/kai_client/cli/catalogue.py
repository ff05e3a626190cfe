"""Which tools the backend runs without asking, so that nobody is asked about them (protocol 2.5)."""

from collections.abc import Awaitable
from typing import TypeVar

from kai_client import KaiClient, KaiError
from kai_client.models import ToolsListResponse, UserAgentSettings

__all__ = ["ToolCatalogue"]

AnswerT = TypeVar("AnswerT", ToolsListResponse, UserAgentSettings)


class ToolCatalogue:
    """The backend's tools and the user's permissions, fetched when the first tool is called."""

    def __init__(self, client: KaiClient) -> None:
        self._client = client
        self._read_only: set[str] | None = None
        self._permissions: dict[str, str] = {}

    async def may_wait(self, tool: str) -> bool:
        """Whether a call of `tool` may be waiting for a human.

        Read-only tools run at once unless the user wants to be asked, others wait unless the user allowed them; a blocked
        one never waits. A tool that nobody knows may.
        """
        if self._read_only is None:
            await self._fetch()
        permission = self._permissions.get(tool)
        if permission is None:
            return tool not in (self._read_only or ())
        return permission not in {"always_allow", "blocked"}

    async def _fetch(self) -> None:
        tools = await _if_offered(self._client.get_tools())
        settings = await _if_offered(self._client.get_user_settings())
        self._read_only = {tool.name for tool in tools.tools if tool.read_only} if tools else set()
        self._permissions = (settings.tool_permissions if settings else None) or {}


async def _if_offered(request: Awaitable[AnswerT]) -> AnswerT | None:
    """The answer; None from a backend that has none: to ask once too often is harmless, to give up the answer is not."""
    try:
        return await request
    except KaiError:
        return None
