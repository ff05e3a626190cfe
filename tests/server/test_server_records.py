"""What is kept: history, votes, the quota, settings (protocol 2.2, 8)."""

from pathlib import Path
from typing import Any

import pytest
from local_api import Api, error_of, local_api, new_id, text_of, user_of

from kai_client.server import ScriptedKai, WireStyle
from kai_client.server.faults import Mode
from kai_client.server.records import Cursor

both = pytest.mark.parametrize("mode", ["agent", "assistant"])


async def pages(api: Api, cursor: str, limit: int) -> list[list[str]]:
    """Walk the history with one cursor, at most ten pages."""
    found: list[list[str]] = []
    params: dict[str, Any] = {"limit": limit}
    for _ in range(10):
        page = (await api.http.get("/api/history", params=params)).json()
        found.append([chat["title"] for chat in page["chats"]])
        if not page["hasMore"]:
            break
        params[cursor] = page["chats"][-1]["id"]
    return found


@pytest.mark.parametrize(
    ("mode", "meaning", "cursor", "expected"),
    [
        ("agent", "list", "starting_after", [["e", "d"], ["c", "b"], ["a"]]),
        ("agent", "list", "ending_before", [["e", "d"], ["c", "b"], ["a"]]),
        ("assistant", "template", "ending_before", [["e", "d"], ["c", "b"], ["a"]]),
        ("assistant", "template", "starting_after", [["e", "d"], ["e"]]),
    ],
)
async def test_history_pages(mode: Mode, meaning: Cursor, cursor: str, expected: list[list[str]]) -> None:
    """Newest first; `ending_before` goes on, `starting_after` too except with the template's meaning: newer ones"""
    async with local_api(ScriptedKai(list("12345"), cursor=meaning), mode=mode) as api:
        for title in "abcde":
            await api.send(new_id(), title)
        assert await pages(api, cursor, 2) == expected


@both
async def test_history_refuses_bad_cursors(mode: Mode) -> None:
    """Two cursors, an unknown one and a limit that is no number are 400; one out of range is moved into it"""
    async with local_api(mode=mode) as api:
        for params in ({"starting_after": "a", "ending_before": "b"}, {"starting_after": new_id()}, {"limit": "all"}):
            response = await api.http.get("/api/history", params=params)
            assert response.status_code == 400, params
        for limit in (0, -5, 10**30):
            assert (await api.http.get("/api/history", params={"limit": limit})).status_code == 200


@pytest.mark.parametrize(
    ("mode", "votes", "wrapped"),
    [("agent", None, True), ("assistant", None, False), ("agent", "type", False), ("assistant", "is-upvoted", True)],
)
async def test_votes(mode: Mode, votes: Any, wrapped: bool) -> None:
    """A vote is cast and replaced, answered in plain text, and listed in one of two shapes"""
    chat_id = new_id()
    async with local_api(mode=mode, style=WireStyle(votes=votes)) as api:
        message_id = (await api.send(chat_id, "hello"))[0]["messageId"]
        body = {"chatId": chat_id, "messageId": message_id}
        for kind in ("up", "down"):
            response = await api.http.patch("/api/vote", json={**body, "type": kind})
            assert (response.status_code, response.text) == (200, "Message voted")
            assert response.headers["content-type"].startswith("text/plain")
        listed = (await api.http.get("/api/vote", params={"chatId": chat_id})).json()
    if wrapped:
        assert listed == {"votes": [{**body, "isUpvoted": False}]}
    else:
        assert [(vote["chatId"], vote["messageId"], vote["type"]) for vote in listed] == [(*body.values(), "down")]


@both
async def test_votes_that_cannot_be(mode: Mode) -> None:
    """Votes on what does not exist are 404, without a chat or with another word 400"""
    chat_id = new_id()
    async with local_api(mode=mode) as api:
        await api.send(chat_id, "hello")
        vote = {"chatId": chat_id, "messageId": new_id(), "type": "up"}
        for request, expected in (
            (api.http.patch("/api/vote", json=vote), (404, "not_found:vote")),
            (api.http.patch("/api/vote", json={**vote, "chatId": new_id()}), (404, "not_found:vote")),
            (api.http.patch("/api/vote", json={**vote, "type": "maybe"}), (400, "bad_request:api")),
            (api.http.get("/api/vote"), (400, "bad_request:api")),
            (api.http.get("/api/vote", params={"chatId": new_id()}), (404, "not_found:chat")),
        ):
            response = await request
            assert (response.status_code, error_of(response, mode)[0]) == expected


@both
async def test_the_quota_ends(mode: Mode) -> None:
    """Messages are counted per user; over the quota is 429 with a Retry-After, and nothing is kept"""
    async with local_api(ScriptedKai(["1", "2", "3"], quota=2), mode=mode) as api:
        for _ in range(2):
            await api.send(new_id(), "go")
        usage = (await api.http.get("/api/usage")).json()
        assert (usage["messagesUsed"], usage["messagesLimit"]) == (2, 2)
        response = await api.http.post("/api/chat", json=api.body(new_id(), "go"))
        assert (response.status_code, error_of(response, mode)[0]) == (429, "rate_limit:chat")
        assert int(response.headers["retry-after"]) > 0
        assert len((await api.http.get("/api/history")).json()["chats"]) == 2
        async with user_of(str(api.http.base_url), api.app, "another") as other:
            assert text_of(await other.send(new_id(), "go")) == "3"


async def test_settings() -> None:
    """Only given keys change, null clears, permissions merge and null resets them; users share the project's settings"""
    async with local_api() as api:
        settings = (await api.http.get("/api/settings")).json()
        assert (settings["projectId"], settings["customInstructions"]) == ("1234", None)

        async def patch(path: str, body: dict[str, Any]) -> dict[str, Any]:
            response = await api.http.patch(path, json=body)
            assert response.status_code == 200, response.text
            changed: dict[str, Any] = response.json()
            return changed

        assert (await patch("/api/settings", {"customInstructions": "Be brief"}))["customInstructions"] == "Be brief"
        assert (await patch("/api/settings", {}))["customInstructions"] == "Be brief"
        user = "/api/settings/user"
        await patch(user, {"toolPermissions": {"a": "blocked"}, "customInstructions": "Hi"})
        both_set = await patch(user, {"toolPermissions": {"b": "always_ask"}})
        assert both_set["toolPermissions"] == {"a": "blocked", "b": "always_ask"}
        assert both_set["customInstructions"] == "Hi"
        reset = await patch(user, {"toolPermissions": None, "customInstructions": None})
        assert (reset["toolPermissions"], reset["customInstructions"]) == (None, None)
        async with user_of(str(api.http.base_url), api.app, "another") as other:
            assert (await other.http.get("/api/settings")).json()["customInstructions"] == "Be brief"
            assert (await other.http.get(user)).json()["userId"] != both_set["userId"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/settings", {"customInstructions": "x" * 4001}),
        ("/api/settings", {"customInstructions": 7}),
        ("/api/settings/user", {"toolPermissions": {"a": "perhaps"}}),
        ("/api/settings/user", {"toolPermissions": ["a"]}),
    ],
)
async def test_bad_settings_are_400(path: str, body: dict[str, Any]) -> None:
    """Too long instructions and unknown permissions are refused"""
    async with local_api() as api:
        response = await api.http.patch(path, json=body)
    assert (response.status_code, error_of(response, "agent")[0]) == (400, "bad_request:api")


async def test_a_file_keeps_the_chats(tmp_path: Path) -> None:
    """With a database file, chats, votes, settings and usage survive the server"""
    chat_id, db = new_id(), tmp_path / "kai.db"
    async with local_api(ScriptedKai(["Hello"], db=db)) as api:
        message_id = (await api.send(chat_id, "go"))[0]["messageId"]
        await api.http.patch("/api/vote", json={"chatId": chat_id, "messageId": message_id, "type": "up"})
        await api.http.patch("/api/settings", json={"customInstructions": "Be brief"})
    async with local_api(ScriptedKai(db=db)) as api:
        assert [text["parts"][-1].get("text") for text in await api.messages(chat_id)] == ["go", "Hello"]
        assert len((await api.http.get("/api/vote", params={"chatId": chat_id})).json()["votes"]) == 1
        assert (await api.http.get("/api/settings")).json()["customInstructions"] == "Be brief"
        assert (await api.http.get("/api/usage")).json()["messagesUsed"] == 1
