"""The walk over the history: every chat once, and always an end, whatever the backend means by its cursors."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kai_client.history import walk_history
from kai_client.models import Chat, HistoryResponse

Meaning = Literal["list order", "template"]
MEANINGS: list[Meaning] = ["list order", "template"]
Change = Callable[["Backend"], None]


@dataclass
class Backend:
    """A history of chats, newest first, under either meaning of the cursors (protocol 8.1)."""

    chats: list[int]
    """A chat is its moment of creation."""
    meaning: Meaning
    changes: dict[int, Change] = field(default_factory=dict[int, Change])
    """What happens to the history before the n-th page is read."""
    largest_page: int = 50
    pages: int = 0

    async def fetch(
        self, limit: int, starting_after: str | None = None, ending_before: str | None = None
    ) -> HistoryResponse:
        """One page."""
        assert starting_after is None or ending_before is None, "both cursors at once are refused"
        assert self.pages < 4 * len(self.chats) + 20, "the walk does not end"
        if self.pages in self.changes:
            self.changes[self.pages](self)
        self.pages += 1
        found = self.beside(starting_after, ending_before)
        size = min(limit, self.largest_page)
        return HistoryResponse(chats=[listed(chat) for chat in found[:size]], has_more=len(found) > size)

    def beside(self, starting_after: str | None, ending_before: str | None) -> list[int]:
        """The chats on one side of a cursor, newest first."""
        chats = sorted(self.chats, reverse=True)
        if ending_before is not None:
            if self.meaning == "template":
                return [chat for chat in chats if chat < int(ending_before)]
            return [chat for chat in chats if chat > int(ending_before)]
        if starting_after is not None:
            if self.meaning == "template":
                return [chat for chat in chats if chat > int(starting_after)]
            return [chat for chat in chats if chat < int(starting_after)]
        return chats


def listed(chat: int) -> Chat:
    """A chat as the history lists it."""
    return Chat(id=str(chat), created_at=datetime.fromtimestamp(chat, UTC))


def create(backend: Backend) -> None:
    """A chat is created: it is the newest."""
    backend.chats.append(max(backend.chats, default=0) + 1)


def delete(chat: int) -> Change:
    """A chat is deleted."""
    return lambda backend: backend.chats.remove(chat) if chat in backend.chats else None


async def walk(backend: Backend, batch_size: int) -> list[int]:
    """The ids that a walk yields."""
    return [int(chat.id) async for chat in walk_history(backend.fetch, batch_size)]


@pytest.mark.parametrize("meaning", MEANINGS)
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 7])
@pytest.mark.parametrize("batch_size", [1, 2, 3, 4, 6, 7, 8, 100])
async def test_every_chat(count: int, batch_size: int, meaning: Meaning) -> None:
    """Every chat comes once, newest first, for every page size and either meaning of the cursors."""
    backend = Backend(list(range(count)), meaning)
    assert await walk(backend, batch_size) == list(reversed(range(count)))


@pytest.mark.parametrize("meaning", MEANINGS)
async def test_pages_are_not_read_twice(meaning: Meaning) -> None:
    """A walk reads the pages that there are, and at most one more to find out what the cursors mean."""
    backend = Backend(list(range(30)), meaning)
    await walk(backend, 10)
    assert backend.pages <= 4


@pytest.mark.parametrize("meaning", MEANINGS)
async def test_server_clamps_the_page(meaning: Meaning) -> None:
    """A backend that gives smaller pages than asked for is walked to its end."""
    backend = Backend(list(range(23)), meaning, largest_page=5)
    assert await walk(backend, 100) == list(reversed(range(23)))


@pytest.mark.parametrize("meaning", MEANINGS)
@pytest.mark.parametrize("batch_size", [1, 2, 3, 5])
@pytest.mark.parametrize("when", [1, 2, 3])
@pytest.mark.parametrize("created", [1, 2, 6])
async def test_created_between_pages(meaning: Meaning, batch_size: int, when: int, created: int) -> None:
    """Chats that are created while the walk goes on hide none of those that were there."""

    def create_some(backend: Backend) -> None:
        for _ in range(created):
            create(backend)

    found = await walk(Backend(list(range(6)), meaning, {when: create_some}), batch_size)
    assert len(found) == len(set(found))
    assert set(range(6)) <= set(found)


@pytest.mark.parametrize("meaning", MEANINGS)
@pytest.mark.parametrize("batch_size", [1, 2, 3])
@pytest.mark.parametrize("gone", range(6))
async def test_deleted_between_pages(meaning: Meaning, batch_size: int, gone: int) -> None:
    """A chat that is deleted while the walk goes on hides no other."""
    found = await walk(Backend(list(range(6)), meaning, {1: delete(gone)}), batch_size)
    assert len(found) == len(set(found))
    assert set(range(6)) - {gone} <= set(found)


@settings(deadline=None)
@given(
    count=st.integers(0, 12),
    batch_size=st.integers(1, 13),
    meaning=st.sampled_from(MEANINGS),
    changes=st.dictionaries(st.integers(1, 6), st.one_of(st.just(-1), st.integers(0, 11)), max_size=4),
)
@example(count=2, batch_size=1, meaning="template", changes={1: -1})
async def test_any_history(count: int, batch_size: int, meaning: Meaning, changes: dict[int, int]) -> None:
    """Whatever is created and deleted in between: every chat that stays comes once, none comes twice, the walk ends."""
    steps = {page: create if change < 0 else delete(change) for page, change in changes.items()}
    found = await walk(Backend(list(range(count)), meaning, steps), batch_size)
    assert len(found) == len(set(found))
    assert set(range(count)) - set(changes.values()) <= set(found)


def page(*ids: str, more: bool) -> HistoryResponse:
    """One page."""
    return HistoryResponse(chats=[Chat(id=chat) for chat in ids], has_more=more)


@settings(deadline=None)
@given(
    st.lists(
        st.builds(
            HistoryResponse,
            chats=st.lists(st.builds(Chat, id=st.sampled_from("abcdef")), max_size=4),
            has_more=st.booleans(),
        ),
        min_size=1,
        max_size=6,
    )
)
@example([page("a", more=True)])
@example([page(more=True)])
@example([page("a", "a", "b", more=True), page("b", "a", more=True)])
@example([page("a", "b", more=True), page("c", "a", more=True), page("d", "b", more=True)])
async def test_any_pages(pages: list[HistoryResponse]) -> None:
    """A backend that answers with any pages in a circle, repeated, empty or with duplicates, is left at last."""
    asked = 0

    async def fetch(limit: int, starting_after: str | None = None, ending_before: str | None = None) -> HistoryResponse:
        nonlocal asked
        asked += 1
        assert asked < 100, "the walk does not end"
        return pages[(asked - 1) % len(pages)]

    found = [chat.id async for chat in walk_history(fetch, 3)]
    assert len(found) == len(set(found))
    assert set(found) >= {chat.id for chat in pages[0].chats}


async def test_chats_are_whole() -> None:
    """A walk yields the chats as their pages had them."""
    chat = Chat.model_validate({"id": "a", "title": "T", "visibility": "public", "extra": 1})

    async def fetch(limit: int, starting_after: str | None = None, ending_before: str | None = None) -> HistoryResponse:
        assert limit == 7
        return HistoryResponse(chats=[chat], has_more=False)

    assert [found async for found in walk_history(fetch, 7)] == [chat]


async def test_pages_are_read_as_needed() -> None:
    """The next page is asked for when the chats of the one before are taken."""
    backend = Backend(list(range(9)), "list order")
    walking = walk_history(backend.fetch, 3)
    for _ in range(3):
        await anext(walking)
    assert backend.pages == 1
    await anext(walking)
    assert backend.pages == 2
    await walking.aclose()
