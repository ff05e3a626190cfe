"""What the local server remembers, in SQLite: chats, messages, votes, settings, usage."""

import json
import sqlite3
import weakref
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from kai_client.models import Message
from kai_client.types import Json, JsonObject

__all__ = ["Row", "Store", "now"]

Row = dict[str, Any]

_SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS chats (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL, title TEXT NOT NULL,
    visibility TEXT NOT NULL, restrictions TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS chats_of_user ON chats (user_id, seq);
CREATE TABLE IF NOT EXISTS messages (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, chat_id TEXT NOT NULL, id TEXT NOT NULL, role TEXT NOT NULL,
    parts TEXT NOT NULL, metadata TEXT, created_at TEXT NOT NULL, UNIQUE (chat_id, id));
CREATE TABLE IF NOT EXISTS votes (
    chat_id TEXT NOT NULL, message_id TEXT NOT NULL, id TEXT NOT NULL, type TEXT NOT NULL, created_at TEXT NOT NULL,
    PRIMARY KEY (chat_id, message_id));
CREATE TABLE IF NOT EXISTS settings (
    owner TEXT PRIMARY KEY, instructions TEXT, permissions TEXT, created_at TEXT NOT NULL, updated_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS usage (
    user_id TEXT NOT NULL, month TEXT NOT NULL, used INTEGER NOT NULL, PRIMARY KEY (user_id, month));
"""


def now() -> str:
    """The time as the wire writes it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Store:
    """One database, in memory (`":memory:"`) or in a file that is created where there is none.

    It knows rows, not rules: who may see what is the business of `records`. Every statement stands for itself.
    """

    def __init__(self, path: str | Path = ":memory:") -> None:
        # The server may run in a thread of its own while a test looks on; SQLite serialises the calls itself.
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._connection.row_factory = sqlite3.Row
        self._connection.executescript(_SCHEMA)
        self.close: Callable[[], object] = weakref.finalize(self, self._connection.close)
        """Closes the database; happens by itself when the store is no longer used."""

    def _rows(self, query: str, *values: object) -> list[Row]:
        return [dict(row) for row in self._connection.execute(query, values)]

    def _row(self, query: str, *values: object) -> Row | None:
        return next(iter(self._rows(query, *values)), None)

    def chat(self, chat_id: str) -> Row | None:
        """The chat, whoever it belongs to."""
        return self._row("SELECT * FROM chats WHERE id = ?", chat_id)

    def add_chat(self, chat_id: str, user_id: str, title: str, visibility: str, restrictions: JsonObject | None) -> Row:
        """A new chat, the newest of its user."""
        time = now()
        self._connection.execute(
            "INSERT INTO chats (id, user_id, title, visibility, restrictions, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (chat_id, user_id, title, visibility, _dump(restrictions), time, time),
        )
        return self.chat(chat_id) or {}

    def restrictions(self, chat: Row) -> JsonObject:
        """What the first message of the chat said about tools."""
        return json.loads(chat["restrictions"]) if chat["restrictions"] else {}

    def set_title(self, chat_id: str, title: str) -> None:
        """Replace the title."""
        self._connection.execute("UPDATE chats SET title = ? WHERE id = ?", (title, chat_id))

    def delete_chat(self, chat_id: str) -> None:
        """The chat, its messages and votes are gone."""
        for query in (
            "DELETE FROM votes WHERE chat_id = ?",
            "DELETE FROM messages WHERE chat_id = ?",
            "DELETE FROM chats WHERE id = ?",
        ):
            self._connection.execute(query, (chat_id,))

    def page(self, user_id: str, limit: int, *, older: int | None = None, newer: int | None = None) -> list[Row]:
        """Up to `limit` chats of the user, newest first, strictly older or newer than a `seq`.

        Ordered by `seq`, not by time: two chats of one millisecond stay two chats (protocol 8.1, ties).
        """
        return self._rows(
            "SELECT * FROM chats WHERE user_id = ? AND seq < ? AND seq > ? ORDER BY seq DESC LIMIT ?",
            user_id,
            older if older is not None else 2**62,
            newer if newer is not None else -1,
            limit,
        )

    def put_message(
        self, chat_id: str, message_id: str, role: str, parts: Sequence[JsonObject], metadata: Json = None
    ) -> None:
        """Add a message, or replace the one of its id in its place."""
        time = now()
        self._connection.execute(
            "INSERT INTO messages (chat_id, id, role, parts, metadata, created_at) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (chat_id, id) DO UPDATE SET parts = excluded.parts, metadata = excluded.metadata",
            (chat_id, message_id, role, json.dumps(parts), _dump(metadata), time),
        )
        self._connection.execute("UPDATE chats SET updated_at = ? WHERE id = ?", (time, chat_id))

    def messages(self, chat_id: str) -> list[Message]:
        """The messages of the chat, oldest first."""
        return [
            Message.model_validate(
                {
                    "id": row["id"],
                    "role": row["role"],
                    "parts": json.loads(row["parts"]),
                    "createdAt": row["created_at"],
                    **({"metadata": json.loads(row["metadata"])} if row["metadata"] else {}),
                }
            )
            for row in self._rows("SELECT * FROM messages WHERE chat_id = ? ORDER BY seq", chat_id)
        ]

    def put_vote(self, chat_id: str, message_id: str, vote_type: str) -> Row:
        """Vote, or change the vote."""
        self._connection.execute(
            "INSERT INTO votes (chat_id, message_id, id, type, created_at) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (chat_id, message_id) DO UPDATE SET type = excluded.type",
            (chat_id, message_id, str(uuid4()), vote_type, now()),
        )
        return self._row("SELECT * FROM votes WHERE chat_id = ? AND message_id = ?", chat_id, message_id) or {}

    def votes(self, chat_id: str) -> list[Row]:
        """The votes of a chat, in the order in which they were first cast."""
        return self._rows("SELECT * FROM votes WHERE chat_id = ? ORDER BY rowid", chat_id)

    def settings(self, owner: str) -> Row:
        """The settings of a project or a user; made when first asked for."""
        time = now()
        self._connection.execute(
            "INSERT INTO settings (owner, created_at, updated_at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (owner, time, time),
        )
        row = self._row("SELECT * FROM settings WHERE owner = ?", owner) or {}
        return {**row, "permissions": json.loads(row["permissions"]) if row.get("permissions") else None}

    def put_settings(self, owner: str, instructions: str | None, permissions: JsonObject | None) -> None:
        """Replace the settings of a project or a user."""
        self._connection.execute(
            "UPDATE settings SET instructions = ?, permissions = ?, updated_at = ? WHERE owner = ?",
            (instructions, _dump(permissions), now(), owner),
        )

    def used(self, user_id: str, month: str) -> int:
        """How many messages the user has sent in a month."""
        row = self._row("SELECT used FROM usage WHERE user_id = ? AND month = ?", user_id, month)
        return int(row["used"]) if row else 0

    def count_message(self, user_id: str, month: str) -> None:
        """One message more."""
        self._connection.execute(
            "INSERT INTO usage (user_id, month, used) VALUES (?, ?, 1)"
            " ON CONFLICT (user_id, month) DO UPDATE SET used = used + 1",
            (user_id, month),
        )


def _dump(value: Json) -> str | None:
    return None if value is None else json.dumps(value)
