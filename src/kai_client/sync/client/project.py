# Made of kai_client/client/project.py by scripts/generate_sync.py: change that, and run this.
"""Around the chats: history, votes, the quota, settings, tools, suggestions."""

from collections.abc import Generator, Mapping
from typing import Any

from pydantic import JsonValue

from kai_client.exceptions import KaiError
from kai_client.models import (
    AgentSettings,
    Chat,
    HistoryResponse,
    InfoResponse,
    PingResponse,
    SuggestionsResponse,
    ToolsListResponse,
    UsageResponse,
    UserAgentSettings,
    Vote,
)
from kai_client.sync.client.base import ClientBase, checked_count
from kai_client.sync.history import walk_history
from kai_client.sync.transport import checked_id
from kai_client.types import NOT_GIVEN, NotGiven, VoteType


class ProjectMethods(ClientBase):
    """The endpoints of protocol section 2 that are not a chat's own."""

    def ping(self) -> PingResponse:
        """The backend's clock, without authentication: is it there?"""
        return self._get(PingResponse, "/ping", auth=False)

    def info(self) -> InfoResponse:
        """What the backend is and runs, without authentication."""
        return self._get(InfoResponse, "/api", auth=False)

    def get_history(
        self, limit: int = 10, starting_after: str | None = None, ending_before: str | None = None
    ) -> HistoryResponse:
        """One page of chats, newest first.

        Backends differ in what `starting_after` means and refuse both cursors at once (protocol 8.1); `get_all_history`
        copes with either.
        """
        checked_count(limit, "limit")
        for name, cursor in (("starting_after", starting_after), ("ending_before", ending_before)):
            if cursor is not None:
                checked_id(cursor, name)
        return self._history_page(limit, starting_after, ending_before)

    def _history_page(
        self, limit: int, starting_after: str | None = None, ending_before: str | None = None
    ) -> HistoryResponse:
        """A page beside whatever the backend calls its chats: in a walk the cursors are its own words."""
        cursors = {"starting_after": starting_after, "ending_before": ending_before}
        given = {name: cursor for name, cursor in cursors.items() if cursor is not None}
        return self._get(HistoryResponse, "/api/history", params={"limit": limit, **given})

    def get_all_history(self, batch_size: int = 100) -> Generator[Chat]:
        """Every chat once, newest first, `batch_size` a request; it ends whatever the backend's cursors mean."""
        return walk_history(self._history_page, checked_count(batch_size, "batch_size"))

    def get_votes(self, chat_id: str) -> list[Vote]:
        """The votes of a chat, in either of the backends' shapes (protocol 8.2)."""
        answer = self._transport.request("GET", "/api/vote", params={"chatId": checked_id(chat_id, "chat_id")})
        votes = answer.get("votes") if isinstance(answer, dict) else answer
        if not isinstance(votes, list):
            raise KaiError("Expected a list of votes", "response:invalid")
        return [self._read(Vote, vote) for vote in votes]

    def vote(self, chat_id: str, message_id: str, vote_type: str | VoteType) -> Vote:
        """Cast or replace the vote on a message.

        What comes back says what was cast, with the stored vote's id where the backend tells it: today's backends answer
        plain text. Raises `ValueError` for anything but `up` and `down`.
        """
        body: dict[str, JsonValue] = {
            "chatId": checked_id(chat_id, "chat_id"),
            "messageId": checked_id(message_id, "message_id"),
            "type": VoteType(vote_type).value,
        }
        answer = self._transport.request("PATCH", "/api/vote", json=body)
        stored = answer if isinstance(answer, dict) else {}
        return self._read(Vote, {**stored, **body})

    def upvote(self, chat_id: str, message_id: str) -> Vote:
        """`vote` with `up`."""
        return self.vote(chat_id, message_id, VoteType.UP)

    def downvote(self, chat_id: str, message_id: str) -> Vote:
        """`vote` with `down`."""
        return self.vote(chat_id, message_id, VoteType.DOWN)

    def get_usage(self) -> UsageResponse:
        """How many messages of this month's quota are used."""
        return self._get(UsageResponse, "/api/usage")

    def get_settings(self) -> AgentSettings:
        """The project's settings."""
        return self._get(AgentSettings, "/api/settings")

    def update_settings(self, *, custom_instructions: str | NotGiven | None = NOT_GIVEN) -> AgentSettings:
        """Change the project's settings; None clears. Raises `ValueError` when nothing is given."""
        body = _changes(customInstructions=custom_instructions)
        return self._read(AgentSettings, self._transport.request("PATCH", "/api/settings", json=body))

    def get_user_settings(self) -> UserAgentSettings:
        """The user's own settings in this project."""
        return self._get(UserAgentSettings, "/api/settings/user")

    def update_user_settings(
        self,
        *,
        custom_instructions: str | NotGiven | None = NOT_GIVEN,
        tool_permissions: dict[str, str] | NotGiven | None = NOT_GIVEN,
    ) -> UserAgentSettings:
        """Change the user's settings.

        `tool_permissions` (`always_allow`, `always_ask`, `blocked` by tool) merges into those that stand; None resets them.
        Raises `ValueError` when nothing is given.
        """
        body = _changes(customInstructions=custom_instructions, toolPermissions=tool_permissions)
        return self._read(UserAgentSettings, self._transport.request("PATCH", "/api/settings/user", json=body))

    def get_tools(self) -> ToolsListResponse:
        """The backend's tools, and which of them only read."""
        return self._get(ToolsListResponse, "/api/settings/tools")

    def get_suggestions(self, context: str, data: dict[str, Any]) -> SuggestionsResponse:
        """What the user might ask next; `context` is `dashboard`, `job-detail` or `configuration-detail`."""
        body: dict[str, JsonValue] = {"context": context, "data": data}
        return self._read(SuggestionsResponse, self._transport.request("POST", "/api/suggestions", json=body))


def _changes(**values: JsonValue | NotGiven | Mapping[str, str]) -> dict[str, JsonValue]:
    """The settings that were given; None is a change, too."""
    changes: dict[str, Any] = {key: value for key, value in values.items() if value is not NOT_GIVEN}
    if not changes:
        raise ValueError("No setting was given: pass at least one; None clears it")
    return changes
