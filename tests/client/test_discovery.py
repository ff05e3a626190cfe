"""Finding the service, the client's life cycle, and where the token may go."""

import asyncio
import inspect
import pickle
import traceback
from typing import Any

import httpx
import pytest
import respx

from kai_client import (
    KaiAuthenticationError,
    KaiClient,
    KaiClosedError,
    KaiConfigError,
    KaiConnectionError,
    KaiError,
    KaiRateLimitError,
)

STORAGE = "https://connection.keboola.com"
TOKEN = "12-345-secretsecret"
AGENT = {"id": "kai-agent", "url": "https://kai-agent.keboola.com/"}
ASSISTANT = {"id": "kai-assistant", "url": "https://kai-assistant.keboola.com"}
PONG = {"timestamp": "2026-11-20T10:00:00Z"}


def index(*services: Any, status: int = 200, **options: Any) -> respx.Route:
    """The Storage API's index with these services."""
    answer = httpx.Response(status, **(options or {"json": {"services": list(services)}}))
    return respx.get(f"{STORAGE}/v2/storage").mock(return_value=answer)


@pytest.mark.parametrize(
    ("services", "service", "found"),
    [
        ([ASSISTANT, AGENT], None, ("kai-agent", "https://kai-agent.keboola.com")),
        ([ASSISTANT], None, ("kai-assistant", "https://kai-assistant.keboola.com")),
        ([ASSISTANT, AGENT], "kai-assistant", ("kai-assistant", "https://kai-assistant.keboola.com")),
        (
            [{"id": "kai-next", "url": "http://127.0.0.1:8000"}, AGENT],
            "kai-next",
            ("kai-next", "http://127.0.0.1:8000"),
        ),
        (["junk", {"id": 7}, AGENT], None, ("kai-agent", "https://kai-agent.keboola.com")),
    ],
    ids=["agent first", "assistant where it is alone", "by name", "any id, loopback", "junk beside it"],
)
@respx.mock
async def test_discovery_picks_the_service(services: list[Any], service: str | None, found: tuple[str, str]) -> None:
    """The index is asked once, without its components, with the token; the service's URL becomes the base URL."""
    route = index(*services)
    async with KaiClient.from_storage_api(TOKEN, STORAGE, service=service) as client:
        assert (client.backend, client.base_url) == found
    request = route.calls.last.request
    assert dict(request.url.params) == {"exclude": "components"}
    assert request.headers["x-storageapi-token"] == TOKEN


@pytest.mark.parametrize("url", [STORAGE, f"{STORAGE}/", f"{STORAGE}/v2/storage", f"{STORAGE}/v2/storage/"])
@respx.mock
async def test_the_storage_url_is_tidied(url: str) -> None:
    """A trailing slash and a `/v2/storage` suffix are stripped (protocol 1.1)."""
    index(AGENT)
    async with KaiClient.from_storage_api(TOKEN, url) as client:
        assert client.storage_api_url == STORAGE


@pytest.mark.parametrize(
    ("answer", "kind", "code", "text"),
    [
        ({"services": [{"id": "billing", "url": "https://b"}]}, KaiError, "discovery:service_not_found", "billing"),
        ({"services": [{"id": "kai-agent"}]}, KaiError, "discovery:no_url", "kai-agent"),
        ({"services": [{"id": "kai-agent", "url": "http://evil.test"}]}, KaiError, "discovery:insecure_url", "https"),
        ({"services": [{"id": "kai-agent", "url": "ftp://x"}]}, KaiError, "discovery:invalid_url", "kai-agent"),
        ({"services": {"a": 1}}, KaiError, "discovery:invalid_index", "JSON"),
        ([1], KaiError, "discovery:invalid_index", "JSON"),
    ],
)
@respx.mock
async def test_an_index_that_does_not_help_says_why(answer: Any, kind: type[KaiError], code: str, text: str) -> None:
    """Each failure of protocol 1.4 has its code, and the services that there are."""
    index(json=answer)
    with pytest.raises(kind, match=text) as caught:
        await KaiClient.from_storage_api(TOKEN, STORAGE)
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("status", "options", "kind"),
    [
        (
            401,
            {"json": {"error": f"Invalid access token {TOKEN}", "code": "storage.tokenInvalid"}},
            KaiAuthenticationError,
        ),
        (401, {"json": {"message": "Invalid"}}, KaiAuthenticationError),
        (503, {"json": {"status": "maintenance", "reason": "upgrade"}, "headers": {"retry-after": "120"}}, KaiError),
        (429, {"text": "slow down"}, KaiRateLimitError),
        (302, {"headers": {"location": "https://evil.test/"}}, KaiError),
        (500, {"html": "<html>oops</html>"}, KaiError),
    ],
)
@respx.mock
async def test_a_refused_discovery_names_the_status(status: int, options: dict[str, Any], kind: type[KaiError]) -> None:
    """`discovery:http_error` with `HTTP <status>` in the text, the token in no text, a redirect never followed."""
    evil = respx.route(host="evil.test").mock(return_value=httpx.Response(200, json={}))
    index(status=status, **options)
    with pytest.raises(kind, match=f"HTTP {status}") as caught:
        await KaiClient.from_storage_api(TOKEN, STORAGE)
    assert caught.value.code == "discovery:http_error"
    assert caught.value.status_code == status
    assert TOKEN not in "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value))
    assert not evil.called
    if status == 503:
        assert caught.value.retry_after == 120


@respx.mock
async def test_a_page_in_the_place_of_the_index_is_a_kai_error() -> None:
    """HTML with status 200 is no raw JSON error."""
    index(text="<html>captive portal</html>")
    with pytest.raises(KaiError) as caught:
        await KaiClient.from_storage_api(TOKEN, STORAGE)
    assert caught.value.code == "discovery:invalid_index"


@respx.mock
async def test_an_unreachable_storage_api_is_a_connection_error() -> None:
    """The transport's own words are the cause."""
    respx.get(f"{STORAGE}/v2/storage").mock(side_effect=httpx.ConnectError("no route"))
    with pytest.raises(KaiConnectionError, match="no route"):
        await KaiClient.from_storage_api(TOKEN, STORAGE)


@respx.mock
async def test_the_pending_client_is_whatever_a_caller_expects() -> None:
    """It can be awaited, entered, made a task and given a time limit, as the coroutine that it was."""
    index(AGENT)
    first = await KaiClient.from_storage_api(TOKEN, STORAGE)
    await first.close()
    second = await asyncio.wait_for(KaiClient.from_storage_api(TOKEN, STORAGE), 10)
    await second.close()
    third = await asyncio.create_task(KaiClient.from_storage_api(TOKEN, STORAGE))
    await third.close()
    pending = KaiClient.from_storage_api(TOKEN, STORAGE)
    assert inspect.isawaitable(pending)
    pending.close()


@respx.mock
async def test_from_env_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a base URL there is no discovery; without one the service is found, `KAI_SERVICE` by name."""
    for name in ("KAI_BASE_URL", "KAI_SERVICE", "WORKSPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("STORAGE_API_TOKEN", TOKEN)
    monkeypatch.setenv("STORAGE_API_URL", STORAGE)
    route = index(AGENT, ASSISTANT)
    async with KaiClient.from_env() as client:
        assert client.backend == "kai-agent"
    monkeypatch.setenv("KAI_SERVICE", "kai-assistant")
    async with KaiClient.from_env() as client:
        assert client.backend == "kai-assistant"
    monkeypatch.setenv("KAI_BASE_URL", "http://localhost:3001/")
    async with KaiClient.from_env() as client:
        assert (client.backend, client.base_url) == (None, "http://localhost:3001")
    assert route.call_count == 2


async def test_from_env_names_everything_that_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    """One error names both variables."""
    for name in ("STORAGE_API_TOKEN", "STORAGE_API_URL"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(KaiConfigError, match="STORAGE_API_TOKEN and STORAGE_API_URL"):
        KaiClient.from_env()


@pytest.mark.parametrize("token", ["", "  ", f"{TOKEN}\nX-Evil: 1", f"{TOKEN}\r", f"{TOKEN}é", "\x00"], ids=repr)
async def test_a_token_that_no_header_can_carry_is_refused_unquoted(token: str) -> None:
    """The error says what is wrong without the token; white space around a good one is dropped, a file ends with it."""
    if token.strip() == TOKEN:
        await KaiClient(token, STORAGE).close()
        return
    with pytest.raises(KaiConfigError) as caught:
        KaiClient(token, STORAGE)
    assert TOKEN not in str(caught.value)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "connection.keboola.com",
        "ftp://x",
        "https://",
        "http://[bad",
        "https://x:99999",
        "https://a b",
        "https://a?x=1",
        "https://a#x",
        "https://u:p@a",
    ],
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    """The message shows what a URL looks like."""
    with pytest.raises(KaiConfigError):
        KaiClient(TOKEN, url)
    with pytest.raises(KaiConfigError):
        KaiClient(TOKEN, STORAGE, url)


@respx.mock
async def test_a_closed_client_stays_closed() -> None:
    """Closing twice is fine; using it afterwards is a `KaiClosedError`, not a silent new connection."""
    respx.get("http://localhost:3000/ping").mock(return_value=httpx.Response(200, json=PONG))
    client = KaiClient(TOKEN, STORAGE)
    await client.ping()
    await client.close()
    await client.aclose()
    with pytest.raises(KaiClosedError):
        await client.ping()
    with pytest.raises(KaiClosedError):
        await client.chat("Hi")


@respx.mock
async def test_the_users_own_http_client_is_used_and_left_open() -> None:
    """`http_client=` serves discovery and calls, its headers included, and stays the caller's to close."""
    index(AGENT)
    route = respx.get("https://kai-agent.keboola.com/ping").mock(return_value=httpx.Response(200, json=PONG))
    async with httpx.AsyncClient(headers={"x-mine": "1"}, follow_redirects=True) as mine:
        async with KaiClient.from_storage_api(TOKEN, STORAGE, http_client=mine) as client:
            await client.ping()
        assert not mine.is_closed
    assert route.calls.last.request.headers["x-mine"] == "1"


@respx.mock
async def test_a_users_client_that_follows_redirects_does_not_take_the_token_along() -> None:
    """Even where the given client would follow, ours does not."""
    respx.get("http://localhost:3000/api/usage").mock(
        return_value=httpx.Response(307, headers={"location": "https://evil.test/"})
    )
    evil = respx.get("https://evil.test/").mock(return_value=httpx.Response(200, json={}))
    async with httpx.AsyncClient(follow_redirects=True) as mine, KaiClient(TOKEN, STORAGE, http_client=mine) as client:
        with pytest.raises(KaiError, match="redirect"):
            await client.get_usage()
    assert not evil.called


@respx.mock
async def test_a_token_that_a_server_echoes_is_redacted() -> None:
    """It shows up neither in the exception, nor in its attributes, nor in its traceback, nor in the client's own repr."""
    respx.get("http://localhost:3000/api/usage").mock(
        return_value=httpx.Response(500, json={"code": "x", "message": f"bad {TOKEN}", "cause": TOKEN, "more": [TOKEN]})
    )
    async with KaiClient(TOKEN, STORAGE) as client:
        with pytest.raises(KaiError) as caught:
            await client.get_usage()
        assert TOKEN not in f"{client!r} {client!s} {vars(client)!r}"
    error = caught.value
    assert TOKEN not in str(error) + repr(error) + repr(vars(error)) + "".join(traceback.format_exception(error))
    assert vars(pickle.loads(pickle.dumps(error)))["status_code"] == 500


@pytest.mark.parametrize("timeout", [0, -1, float("nan"), "5", True])
def test_a_timeout_is_a_positive_number_of_seconds(timeout: Any) -> None:
    """None waits for ever; anything that is no duration is refused at once."""
    with pytest.raises((ValueError, TypeError), match="timeout"):
        KaiClient(TOKEN, STORAGE, timeout=timeout)
