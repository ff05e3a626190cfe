# Made of kai_client/history.py by scripts/generate_sync.py: change that, and run this.
"""The walk over all pages of the history, whichever meaning the backend gives its cursors (protocol 8.1)."""

from collections.abc import Generator
from datetime import UTC, datetime
from typing import Protocol

from kai_client.models import Chat, HistoryResponse

__all__ = ["walk_history"]


class FetchPage(Protocol):
    """Gets one page."""

    def __call__(
        self, limit: int, starting_after: str | None = None, ending_before: str | None = None
    ) -> HistoryResponse:
        """The page of at most `limit` chats beside a cursor."""
        ...


class _Walk:
    """Which chats were seen, and what the backend's cursors seem to mean."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._tail: Chat | None = None
        self.goes_up = False
        """`starting_after` gave what is newer, or what was there already: it does not walk down the list."""

    def fresh(self, page: HistoryResponse) -> list[Chat]:
        """The chats that were not seen before, each once."""
        unique = {chat.id: chat for chat in page.chats}
        fresh = [chat for name, chat in unique.items() if name not in self._seen]
        self._seen.update(unique)
        if self._tail is not None:
            self.goes_up = self.goes_up or len(fresh) < len(unique) or not fresh or any(map(self._is_newer, fresh))
        elif page.chats:
            self._tail = page.chats[-1]
        return fresh

    def _is_newer(self, chat: Chat) -> bool:
        tail = self._tail
        if tail is None or tail.created_at is None or chat.created_at is None:
            return False
        return _utc(chat.created_at) > _utc(tail.created_at)


def _utc(moment: datetime) -> datetime:
    """A moment that can be compared: one without a time zone is taken for UTC."""
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def walk_history(fetch: FetchPage, batch_size: int) -> Generator[Chat]:
    """Every chat once, newest first.

    `starting_after` means "what comes after it in the list" to some backends, "what is newer" to those that keep the
    template's meaning; these say `ending_before` for the next page. So the first is walked, and where it turns out not to
    walk down the list, the second from where the first page ended. A page without anything new ends either walk, which
    therefore always ends.
    """
    walk = _Walk()
    page = fetch(batch_size)
    for chat in walk.fresh(page):
        yield chat
    if not (page.has_more and page.chats):
        return
    tail = page.chats[-1].id
    for template in (False, True):
        if template and not walk.goes_up:
            return
        cursor, more = tail, True
        while more:
            if template:
                page = fetch(batch_size, ending_before=cursor)
            else:
                page = fetch(batch_size, starting_after=cursor)
            fresh = walk.fresh(page)
            for chat in fresh:
                yield chat
            more = bool(fresh) and page.has_more
            cursor = page.chats[-1].id if page.chats else cursor
