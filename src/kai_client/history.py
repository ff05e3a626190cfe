"""The walk over all pages of the history, whichever meaning the backend gives its cursors (protocol 8.1)."""

from collections.abc import AsyncGenerator
from typing import Protocol

from .models import Chat, HistoryResponse

__all__ = ["walk_history"]


class FetchPage(Protocol):
    """Gets one page."""

    async def __call__(
        self, limit: int, starting_after: str | None = None, ending_before: str | None = None
    ) -> HistoryResponse:
        """The page of at most `limit` chats beside a cursor."""
        ...


async def walk_history(fetch: FetchPage, batch_size: int) -> AsyncGenerator[Chat]:
    """Every chat once, newest first.

    `starting_after` means "what comes after it in the list" to some backends, "what is newer" to those that keep the
    template's meaning; these say `ending_before` for the next page. So the first is tried, and a page without anything
    new, although more was promised, changes to the second. A page without anything new there ends the walk, which
    therefore always ends.
    """
    seen: set[str] = set()
    cursor: str | None = None
    template = False
    promised = True
    while promised:
        if template:
            page = await fetch(batch_size, ending_before=cursor)
        else:
            page = await fetch(batch_size, starting_after=cursor)
        fresh = [chat for chat in page.chats if chat.id not in seen]
        for chat in fresh:
            if chat.id not in seen:  # a page may name a chat twice, too
                seen.add(chat.id)
                yield chat
        if fresh:
            promised = page.has_more
            # In the template's meaning a page can end with chats that are known: the walk goes on from the oldest one.
            if page.chats[-1] is fresh[-1]:
                cursor = fresh[-1].id
            elif not template:
                promised = True
        elif template or cursor is None:
            return
        else:
            template = True
