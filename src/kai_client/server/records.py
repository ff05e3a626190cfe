"""What one user sees of the store: whose chats are whose, pages of history, votes, settings, the quota."""

from datetime import UTC, datetime
from typing import Final, Literal, TypeAlias, cast

from kai_client.models import (
    AgentSettings,
    Chat,
    ChatDetail,
    HistoryResponse,
    UsageResponse,
    UserAgentSettings,
    Vote,
)

from .faults import refusal
from .store import Row, Store

__all__ = ["PROJECT_ID", "Cursor", "Records"]

PROJECT_ID: Final = "1234"
"""The one project of the local server."""

PLACEHOLDER: Final = "New chat"
"""The title of a chat until it gets one (protocol 2.2)."""

_TEXT_LIMIT: Final = 4000
_PERMISSIONS: Final = frozenset({"always_allow", "always_ask", "blocked"})

Cursor: TypeAlias = Literal["list", "template"]
"""What `starting_after` means: after that chat in the list, or newer than it (protocol 8.1)."""


class _Unset:
    """The default of settings that are not to be changed."""


UNSET: Final = cast("None", _Unset())


class Records:
    """The kept half of a `KaiService`. `user_id` owns what it makes."""

    def __init__(self, store: Store, user_id: str, *, cursor: Cursor = "list", quota: int = 150) -> None:
        self.store: Store = store
        self.user_id = user_id
        self._cursor = cursor
        self._quota = quota

    def readable(self, chat_id: str, surface: str = "chat") -> Row:
        """The chat, if this user may read it: their own, or a public one (protocol 7.1)."""
        row = self.store.chat(chat_id)
        if row is None:
            raise refusal("not_found:chat", "There is no such chat.")
        if row["user_id"] != self.user_id and row["visibility"] != "public":
            raise refusal(f"forbidden:{surface}", "This chat belongs to another user.")
        return row

    def own(self, chat_id: str) -> Row | None:
        """The chat for writing, None where there is none yet; somebody else's is refused."""
        row = self.store.chat(chat_id)
        if row is not None and row["user_id"] != self.user_id:
            raise refusal("forbidden:chat", "This chat belongs to another user.")
        return row

    async def get_chat(self, chat_id: str) -> ChatDetail:
        """The chat and its messages."""
        row = self.readable(chat_id)
        return ChatDetail(**_chat(row).model_dump(), messages=self.store.messages(chat_id))

    async def delete_chat(self, chat_id: str) -> None:
        """The chat is gone. One that does not exist is as forbidden as somebody else's (protocol 2.2)."""
        if self.own(chat_id) is None:
            raise refusal("forbidden:chat", "There is no such chat of yours.")
        self.store.delete_chat(chat_id)

    async def get_history(
        self, limit: int = 10, starting_after: str | None = None, ending_before: str | None = None
    ) -> HistoryResponse:
        """A page of this user's chats, newest first; see `Cursor` for what `starting_after` means."""
        if starting_after is not None and ending_before is not None:
            cause = "Only one of starting_after and ending_before can be given."
            raise refusal("bad_request:api", "The request is not valid.", cause=cause)
        marker = self._marker(starting_after or ending_before)
        newer = starting_after is not None and self._cursor == "template"
        rows = self.store.page(
            self.user_id, limit + 1, older=None if newer else marker, newer=marker if newer else None
        )
        return HistoryResponse(chats=[_chat(row) for row in rows[:limit]], has_more=len(rows) > limit)

    def _marker(self, chat_id: str | None) -> int | None:
        if chat_id is None:
            return None
        row = self.store.chat(chat_id)
        if row is None or row["user_id"] != self.user_id:
            raise refusal("bad_request:database", "There is no chat with the id of the cursor.")
        return int(row["seq"])

    async def get_votes(self, chat_id: str) -> list[Vote]:
        """The votes of a chat."""
        self.readable(chat_id, "vote")
        return [_vote(row) for row in self.store.votes(chat_id)]

    async def vote(self, chat_id: str, message_id: str, vote_type: str) -> Vote:
        """The vote; a second one on the same message replaces the first."""
        chat = self.store.chat(chat_id)
        if chat is None or message_id not in {message.id for message in self.store.messages(chat_id)}:
            raise refusal("not_found:vote", "There is no such chat or message.")
        if chat["user_id"] != self.user_id:
            raise refusal("forbidden:vote", "This chat belongs to another user.")
        return _vote(self.store.put_vote(chat_id, message_id, vote_type))

    async def get_usage(self) -> UsageResponse:
        """This month's messages (protocol 2.2)."""
        used = self.store.used(self.user_id, _month())
        return UsageResponse(messages_used=used, messages_limit=self._quota, reset_date=_next_month())

    def spend_message(self) -> None:
        """Count a message, or refuse it: the quota is per user and calendar month."""
        if self.store.used(self.user_id, _month()) >= self._quota:
            wait = (_next_month() - datetime.now(UTC)).total_seconds()
            raise refusal("rate_limit:chat", "The message quota of this month is used up.", retry_after=round(wait))
        self.store.count_message(self.user_id, _month())

    async def get_settings(self) -> AgentSettings:
        """The project's settings, which all its users share."""
        return AgentSettings.model_validate(_settings(self.store.settings(PROJECT_ID)))

    async def update_settings(self, *, custom_instructions: str | None = UNSET) -> AgentSettings:
        """The project's settings after the change."""
        row = self.store.settings(PROJECT_ID)
        self.store.put_settings(PROJECT_ID, _instructions(custom_instructions, row), None)
        return await self.get_settings()

    async def get_user_settings(self) -> UserAgentSettings:
        """This user's settings."""
        row = self.store.settings(self.user_id)
        fields = {**_settings(row), "userId": self.user_id, "toolPermissions": row["permissions"]}
        return UserAgentSettings.model_validate(fields)

    async def update_user_settings(
        self, *, custom_instructions: str | None = UNSET, tool_permissions: dict[str, str] | None = UNSET
    ) -> UserAgentSettings:
        """This user's settings after the change: permissions merge, None resets them (protocol 2.2)."""
        row = self.store.settings(self.user_id)
        permissions: dict[str, str] | None = row["permissions"]
        if not isinstance(tool_permissions, _Unset):
            permissions = _merged(permissions, tool_permissions)
        instructions = _instructions(custom_instructions, row)
        self.store.put_settings(self.user_id, instructions, None if permissions is None else dict(permissions))
        return await self.get_user_settings()

    def permission(self, tool: str) -> str | None:
        """`always_allow`, `always_ask` or `blocked`, where the user has said so."""
        permissions: dict[str, str] | None = self.store.settings(self.user_id)["permissions"]
        return (permissions or {}).get(tool)


def _merged(old: dict[str, str] | None, new: dict[str, str] | None) -> dict[str, str] | None:
    if new is None:
        return None
    if wrong := set(new.values()) - _PERMISSIONS:
        raise refusal("bad_request:api", "The request is not valid.", cause=f"no such permission: {min(wrong)}")
    return {**(old or {}), **new}


def _instructions(given: str | None, row: Row) -> str | None:
    if isinstance(given, _Unset):
        return row["instructions"]
    if given is not None and len(given) > _TEXT_LIMIT:
        cause = f"customInstructions: at most {_TEXT_LIMIT} characters"
        raise refusal("bad_request:api", "The request is not valid.", cause=cause)
    return given


def _settings(row: Row) -> dict[str, object]:
    return {
        "projectId": PROJECT_ID,
        "customInstructions": row["instructions"],
        "createdAt": row["created_at"],
        "updatedAt": row["updated_at"],
    }


def _chat(row: Row) -> Chat:
    return Chat(
        id=row["id"],
        title=row["title"],
        created_at=datetime.fromisoformat(row["created_at"]),
        updated_at=datetime.fromisoformat(row["updated_at"]),
        visibility=row["visibility"],
        user_id=row["user_id"],
    )


def _vote(row: Row) -> Vote:
    return Vote(
        id=row["id"],
        chat_id=row["chat_id"],
        message_id=row["message_id"],
        type=row["type"],
        created_at=datetime.fromisoformat(row["created_at"]),
    )


def _month() -> str:
    return datetime.now(UTC).strftime("%Y-%m")


def _next_month() -> datetime:
    today = datetime.now(UTC)
    year, month = (today.year + 1, 1) if today.month == 12 else (today.year, today.month + 1)  # noqa: PLR2004
    return datetime(year, month, 1, tzinfo=UTC)
