"""Discovery, whose token it is, and what the app remembers of its requests (protocol 1)."""

import httpx
from local_api import error_of, local_api, new_id

from kai_client.server import StorageIndex


async def test_the_index_lists_the_services() -> None:
    """Discovery lists both services of an agent's stack, one of an assistant's; `exclude=components` leaves those out"""
    async with local_api() as api:
        full = (await api.http.get("/v2/storage")).json()
        short = (await api.http.get("/v2/storage", params={"exclude": "components"})).json()
        base = str(api.http.base_url).rstrip("/")
        assert short["services"] == [
            {"id": "kai-agent", "url": base},
            {"id": "kai-assistant", "url": f"{base}/kai-assistant"},
        ]
        assert "components" in full
        assert "components" not in short
        assert (await api.http.get("/kai-assistant/nowhere")).json()["code"] == "not_found:api"
    async with local_api(mode="assistant") as api:
        services = (await api.http.get("/v2/storage")).json()["services"]
    assert [service["id"] for service in services] == ["kai-assistant"]


async def test_the_index_can_fail() -> None:
    """Services can be missing or without a URL; tokens refused; the stack under maintenance"""
    async with local_api(index=StorageIndex(services={"other": "http://x", "kai-agent": None})) as api:
        services = (await api.http.get("/v2/storage")).json()["services"]
        assert services == [{"id": "other", "url": "http://x"}, {"id": "kai-agent"}]
    async with local_api(index=StorageIndex(maintenance=7)) as api:
        response = await api.http.get("/v2/storage")
        assert (response.status_code, response.headers["retry-after"]) == (503, "7")
        assert response.json()["status"] == "maintenance"
    async with local_api(tokens=["good"]) as api:
        for path in ("/v2/storage", "/v2/storage/tokens/verify"):
            response = await api.http.get(path)
            assert (response.status_code, response.json()["code"]) == (401, "storage.tokenInvalid")


async def test_verify_tells_whose_token_it_is() -> None:
    """The token's owner is told, the token itself is not"""
    async with local_api(token="very-secret") as api:
        response = await api.http.get("/v2/storage/tokens/verify")
        async with httpx.AsyncClient(base_url=api.http.base_url) as stranger:
            missing = await stranger.get("/v2/storage/tokens/verify")
    assert response.json()["owner"]["id"] == 1234
    assert response.json()["isMasterToken"] is True
    assert "very-secret" not in response.text
    assert (missing.status_code, missing.json()["error"]) == (401, "Access token must be set")


async def test_requests_are_recorded_without_secrets() -> None:
    """The app keeps what clients sent: method, path, query, headers, body; the token is left out"""
    async with local_api(token="very-secret", record=3) as api:
        body = api.body(new_id(), "hello")
        await api.post_chat(body)
        await api.http.get("/api/history", params={"limit": 3})
        sent, listed = api.app.requests
        assert (sent.method, sent.path, sent.body) == ("POST", "/api/chat", body)
        assert (listed.query, listed.body) == ({"limit": "3"}, None)
        assert sent.headers["x-storageapi-token"] == "***"
        assert "very-secret" not in repr(api.app.requests)
        for _ in range(5):
            await api.http.get("/ping")
        assert [request.path for request in api.app.requests] == ["/ping"] * 3


async def test_a_wrong_method_is_405() -> None:
    """A path that exists, asked in a way that does not"""
    async with local_api() as api:
        response = await api.http.put("/api/history")
    assert (response.status_code, error_of(response, "agent")[0]) == (405, "bad_request:api")
