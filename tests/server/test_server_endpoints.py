"""Every endpoint in both modes: statuses, shapes, envelopes, who may see what (protocol 2, 3, 8)."""

from typing import Any

import httpx
import pytest
from local_api import Api, error_of, local_api, new_id, only, text_of, user_of

from kai_client.server import Question, ScriptedKai, WireStyle
from kai_client.server.faults import Mode

MODES: list[Mode] = ["agent", "assistant"]
both = pytest.mark.parametrize("mode", MODES)


def echo(question: Question) -> str:
    """A turn that repeats the message."""
    return question.text


ENDPOINTS: list[tuple[str, str, str]] = [
    ("POST", "/api/chat", "unauthorized:chat"),
    ("GET", "/api/chat/x", "unauthorized:chat"),
    ("DELETE", "/api/chat?id=x", "unauthorized:chat"),
    ("GET", "/api/history", "unauthorized:history"),
    ("GET", "/api/vote?chatId=x", "unauthorized:vote"),
    ("PATCH", "/api/vote", "unauthorized:vote"),
    ("GET", "/api/usage", "unauthorized:chat"),
]
AGENT_ENDPOINTS: list[tuple[str, str, str]] = [
    ("GET", "/api/settings", "unauthorized:chat"),
    ("PATCH", "/api/settings", "unauthorized:chat"),
    ("GET", "/api/settings/user", "unauthorized:chat"),
    ("PATCH", "/api/settings/user", "unauthorized:chat"),
    ("GET", "/api/settings/tools", "unauthorized:chat"),
    ("POST", "/api/suggestions", "unauthorized:suggestions"),
]


@both
async def test_a_token_is_needed_everywhere(mode: Mode) -> None:
    """Without a token, and with one that is not accepted, every endpoint but ping and info answers 401"""
    async with local_api(mode=mode, tokens=["good"], token="bad") as api:
        for method, path, code in ENDPOINTS + (AGENT_ENDPOINTS if mode == "agent" else []):
            for headers in ({}, {"x-storageapi-token": "bad"}):
                body: dict[str, Any] | None = {} if method in {"POST", "PATCH"} else None
                async with httpx.AsyncClient(base_url=api.http.base_url) as stranger:
                    response = await stranger.request(method, path, headers=headers, json=body)
                assert (response.status_code, error_of(response, mode)[0]) == (401, code), (method, path)
        assert (await api.http.get("/ping")).status_code == 200
        assert (await api.http.get("/api")).status_code == 200


@both
async def test_ping_and_info(mode: Mode) -> None:
    """Ping has a timestamp; info has what protocol 2.2 lists"""
    async with local_api(mode=mode) as api:
        assert set((await api.http.get("/ping")).json()) == {"timestamp"}
        info = (await api.http.get("/api")).json()
    assert set(info) == {"timestamp", "uptime", "appName", "appVersion", "serverVersion", "connectedMcp"}
    assert info["connectedMcp"] == [{"name": "sample-project", "status": "connected"}]


async def test_connected_mcp_as_an_object() -> None:
    """A style shows `connectedMcp` as the one object that other backends send"""
    async with local_api(style=WireStyle(mcp="object")) as api:
        connected = (await api.http.get("/api")).json()["connectedMcp"]
    assert set(connected) == {"url", "status"}


Changes = dict[str, Any]


def changed_body(api: Api, top: Changes, message: Changes) -> dict[str, Any]:
    """A valid chat body with changes at the top and in the message; `...` removes a key."""
    body = {**api.body(new_id(), "hello"), **top}
    if isinstance(body["message"], dict):
        body["message"] = without_gaps({**body["message"], **message})
    return without_gaps(body)


def without_gaps(fields: Changes) -> dict[str, Any]:
    """The fields without those that are `...`."""
    return {key: value for key, value in fields.items() if value is not ...}


BAD_BODIES: list[tuple[Changes, Changes]] = [
    ({"id": "not-a-uuid"}, {}),
    ({"id": ...}, {}),
    ({"id": 7}, {}),
    ({"message": ...}, {}),
    ({"message": "hello"}, {}),
    ({"selectedChatModel": ...}, {}),
    ({"selectedVisibilityType": ...}, {}),
    ({"selectedVisibilityType": "secret"}, {}),
    ({"branchId": None}, {}),
    ({"branchId": "7"}, {}),
    ({"branchId": True}, {}),
    ({"toolRestrictions": []}, {}),
    ({}, {"id": "x"}),
    ({}, {"role": "system"}),
    ({}, {"role": ...}),
    ({}, {"parts": []}),
    ({}, {"parts": ...}),
    ({}, {"parts": [{"type": "text", "text": ""}]}),
    ({}, {"parts": [{"type": "text"}]}),
    ({}, {"parts": [{"type": "video", "url": "x"}]}),
    ({}, {"parts": [{"type": "file", "mediaType": "text/html", "name": "a", "url": "x"}]}),
    ({}, {"parts": [{"type": "tool-approval-response", "approvalId": "a", "approved": "yes"}]}),
    ({}, {"metadata": {"hidden": "yes"}}),
    ({}, {"role": "assistant", "parts": [{"type": "text", "text": "I"}]}),
]


@both
@pytest.mark.parametrize(("top", "message"), BAD_BODIES)
async def test_bad_chat_bodies_are_400(mode: Mode, top: Changes, message: Changes) -> None:
    """A body that the backends refuse is 400 `bad_request:api` in the mode's envelope"""
    async with local_api(mode=mode) as api:
        response = await api.http.post("/api/chat", json=changed_body(api, top, message))
    assert (response.status_code, error_of(response, mode)[0]) == (400, "bad_request:api")


@both
async def test_a_body_that_is_no_json_is_400(mode: Mode) -> None:
    """Text where JSON is due is 400, and is not quoted back"""
    async with local_api(mode=mode) as api:
        response = await api.http.post("/api/chat", content=b"{secret", headers={"content-type": "application/json"})
    assert (response.status_code, error_of(response, mode)[0]) == (400, "bad_request:api")
    assert "secret" not in response.text


@both
async def test_unknown_keys_are_ignored(mode: Mode) -> None:
    """A key that nobody knows changes nothing, at any depth"""
    async with local_api(mode=mode) as api:
        body = api.body(new_id(), "hello", trigger="submit-message")
        body["message"]["extra"] = body["message"]["parts"][0]["extra"] = 1
        assert text_of(await api.post_chat(body))


async def test_the_last_of_messages_counts() -> None:
    """The AI SDK's own transport sends `messages`: the last one is the message"""
    async with local_api(ScriptedKai([echo])) as api:
        body = api.body(new_id(), "newest")
        body["messages"] = [api.body(new_id(), "oldest")["message"], body.pop("message")]
        assert text_of(await api.post_chat(body)) == "newest"


async def test_options_reach_the_backend() -> None:
    """Branch, visibility, model, metadata and files arrive as the keywords of `send_message`"""
    seen: list[Question] = []

    def note(question: Question) -> str:
        seen.append(question)
        return "ok"

    kai = ScriptedKai([note])
    async with local_api(kai) as api:
        body = api.body(new_id(), "look", branchId=7, selectedChatModel="chat-model-reasoning")
        picture = {"type": "file", "mediaType": "image/png", "name": "a.png", "url": "data:,"}
        body["message"]["parts"].append(picture)
        body["message"]["metadata"] = {"hidden": True, "requestContext": {"path": "/flows"}}
        await api.post_chat(body)
    assert seen[0].options == {
        "visibility": "private",
        "model": "chat-model-reasoning",
        "branch_id": 7,
        "hidden": True,
        "request_path": "/flows",
    }
    assert list(seen[0].files) == [picture]


@both
async def test_a_chat_is_kept(mode: Mode) -> None:
    """Both messages are kept, oldest first, under the ids that travelled, with the title that was sent"""
    chat_id = new_id()
    async with local_api(mode=mode) as api:
        body = api.body(chat_id, "Which tables do I have?")
        body["message"]["metadata"] = {"hidden": True}
        chunks = await api.post_chat(body)
        chat = (await api.http.get(f"/api/chat/{chat_id}")).json()
    user, assistant = chat["messages"]
    assert (user["id"], user["role"], user["parts"]) == (body["message"]["id"], "user", body["message"]["parts"])
    assert user["metadata"] == {"hidden": True}
    assert (assistant["id"], assistant["role"]) == (chunks[0]["messageId"], "assistant")
    assert [part["type"] for part in assistant["parts"]][:2] == ["step-start", "tool-get_tables"]
    assert chat["title"] == only(chunks, "data-chat-title")["data"] == "Which tables do I have?"
    assert (chat["visibility"], chat["id"]) == ("private", chat_id)


@both
async def test_the_answer_is_kept_before_finish_is_sent(mode: Mode) -> None:
    """Who asks for the chat on seeing `finish` finds the answer in it"""
    chat_id = new_id()
    kai = ScriptedKai(["Hello"], pace=0.01)
    async with local_api(kai, mode=mode) as api, api.stream(api.body(chat_id, "go")) as chunks:
        async for chunk in chunks:
            if chunk["type"] == "finish":
                assert len(await api.messages(chat_id)) == 2


@both
async def test_chats_are_private_unless_public(mode: Mode) -> None:
    """Another token reads only what is public, and writes nothing"""
    private, public = new_id(), new_id()
    async with local_api(mode=mode) as api:
        await api.send(private, "My name is Ada")
        await api.send(public, "My name is Ada", selectedVisibilityType="public")
        async with user_of(str(api.http.base_url), api.app, "another") as other:
            assert (await other.http.get(f"/api/chat/{public}")).status_code == 200
            for response in (
                await other.http.get(f"/api/chat/{private}"),
                await other.http.delete("/api/chat", params={"id": public}),
                await other.http.post("/api/chat", json=other.body(public, "What is my name?")),
            ):
                assert (response.status_code, error_of(response, mode)[0]) == (403, "forbidden:chat")
            assert (await other.http.get("/api/history")).json() == {"chats": [], "hasMore": False}
            response = await other.http.get("/api/vote", params={"chatId": private})
            assert (response.status_code, error_of(response, mode)[0]) == (403, "forbidden:vote")
        assert len(await api.messages(public)) == 2


@both
async def test_deleting(mode: Mode) -> None:
    """A deleted chat is gone; the agent answers `{}`, the assistant the row; unknown ones are 403, not 404"""
    chat_id = new_id()
    async with local_api(mode=mode) as api:
        await api.send(chat_id, "hello")
        response = await api.http.delete("/api/chat", params={"id": chat_id})
        assert response.status_code == 200
        assert response.json() == {} if mode == "agent" else response.json()["id"] == chat_id
        gone = await api.http.get(f"/api/chat/{chat_id}")
        assert (gone.status_code, error_of(gone, mode)[0]) == (404, "not_found:chat")
        again = await api.http.delete("/api/chat", params={"id": chat_id})
        assert (again.status_code, error_of(again, mode)[0]) == (403, "forbidden:chat")
        missing = await api.http.delete("/api/chat")
        assert (missing.status_code, error_of(missing, mode)[0]) == (400, "bad_request:api")


@pytest.mark.parametrize("token", ["good", "bad"])
@pytest.mark.parametrize(("method", "path", "_"), AGENT_ENDPOINTS)
async def test_the_assistant_has_neither_settings_nor_suggestions(token: str, method: str, path: str, _: str) -> None:
    """Settings, the catalogue of tools and suggestions are kai-agent's: on the assistant no such route, whoever asks"""
    async with local_api(mode="assistant", tokens=["good"], token=token) as api:
        body: dict[str, Any] = (
            {"context": "dashboard", "data": {}} if method == "POST" else {"customInstructions": "Be brief"}
        )
        response = await api.http.request(method, path, json=None if method == "GET" else body)
    assert (response.status_code, error_of(response, "assistant")[0]) == (404, "not_found:api")


async def test_tools_and_suggestions() -> None:
    """The catalogue says which tools only read; suggestions come for the three contexts and no other"""
    async with local_api() as api:
        tools = (await api.http.get("/api/settings/tools")).json()["tools"]
        assert {tool["name"] for tool in tools if not tool["readOnly"]} == {"create_bucket"}
        for context in ("dashboard", "job-detail", "configuration-detail"):
            response = await api.http.post("/api/suggestions", json={"context": context, "data": {"id": 1}})
            found = response.json()
            assert set(found) == {"suggestions", "suggestionSessionId"}
            assert set(found["suggestions"][0]) == {"id", "label", "prompt", "priority", "category", "reasoning"}
        response = await api.http.post("/api/suggestions", json={"context": "moon", "data": {}})
        assert (response.status_code, error_of(response, "agent")[0]) == (400, "bad_request:api")


@pytest.mark.parametrize(
    ("mode", "method", "path"),
    [
        ("agent", "GET", "/api/chat/x/stream"),
        ("assistant", "POST", "/api/chat/x/approval"),
        ("agent", "GET", "/nowhere"),
        ("assistant", "GET", "/nowhere"),
    ],
)
async def test_routes_that_are_not_there(mode: Mode, method: str, path: str) -> None:
    """What a backend does not have is 404 in its envelope"""
    async with local_api(mode=mode) as api:
        response = await api.http.request(method, path, json={"toolUseId": "a", "approved": True})
    assert (response.status_code, error_of(response, mode)[0]) == (404, "not_found:api")
