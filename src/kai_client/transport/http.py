"""Requests and byte streams over one `httpx.AsyncClient`: authentication, timeouts, bounds, and who closes what."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final, Self

import httpx
from pydantic import JsonValue, SecretStr

from kai_client._version import __version__
from kai_client._wire import decode_json
from kai_client.exceptions import KaiClosedError, KaiError, KaiStreamError
from kai_client.sse import check_content_type

from .errors import error_from_response, map_exceptions, request_id
from .urls import header_value

JSON_BODY_BYTES: Final = 64 * 1024 * 1024
_OK: Final = 200
_NO_CONTENT: Final = 204
_CONNECT_SECONDS: Final = 30.0
_LOOPBACK: Final = ("all://localhost", "all://127.0.0.1", "all://[::1]")

Query = Mapping[str, str | int]


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """Who asks. The token shows up in no `repr`."""

    token: SecretStr
    storage_url: str
    workspace_id: str | None = None

    @classmethod
    def checked(cls, token: str, storage_url: str, workspace_id: str | None = None) -> Self:
        """Credentials that fit into headers. Raises `KaiConfigError`, without the value, for those that do not."""
        return cls(
            token=SecretStr(header_value(token, "storage_api_token")),
            storage_url=storage_url,
            workspace_id=None if workspace_id is None else header_value(workspace_id, "workspace_id"),
        )

    def headers(self) -> dict[str, str]:
        """The headers of protocol 2.0."""
        headers = {"x-storageapi-token": self.token.get_secret_value(), "x-storageapi-url": self.storage_url}
        return headers | ({"x-workspace-id": self.workspace_id} if self.workspace_id else {})


@dataclass(frozen=True, kw_only=True)
class StreamRequest:
    """A request that is answered by a stream. `may_be_empty`: there may be nothing to stream, and that is an answer."""

    method: str
    path: str
    json: JsonValue = None
    may_be_empty: bool = False


@dataclass(kw_only=True)
class StreamHead:
    """What is known of a stream's response once its head has arrived."""

    status_code: int | None = None
    request_id: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


class Transport:
    """Requests to one base URL. It owns its `httpx.AsyncClient`, unless it was given the user's."""

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        timeout: float | None,
        stream_timeout: float | None,
        http_client: httpx.AsyncClient | None = None,
    ) -> None:
        self.base_url = base_url
        self._credentials = credentials
        self._timeout = _timeout(timeout, "timeout")
        self._stream_timeout = _timeout(stream_timeout, "stream_timeout")
        self._given = http_client
        self._own: httpx.AsyncClient | None = None
        self.closed: bool = False

    @property
    def credentials(self) -> Credentials:
        """The credentials that every authenticated request carries."""
        return self._credentials

    async def aclose(self) -> None:
        """Close the HTTP client if it is our own; closing twice is fine, using it afterwards is not."""
        self.closed = True
        if self._own is not None:
            await self._own.aclose()

    async def request(
        self, method: str, path: str, *, params: Query | None = None, json: JsonValue = None, auth: bool = True
    ) -> JsonValue:
        """The JSON of a 2xx answer; its text where it is no JSON; None where it is empty. Any other status raises."""
        with self._mapped():
            async with self._send(method, path, self._timeout, params=params, json=json, auth=auth) as response:
                if not response.is_success:
                    raise await error_from_response(response, self._token)
                body = await self._read(response)
        text = body.decode("utf-8", "replace")
        try:
            return decode_json(text) if text.strip() else None
        except ValueError:
            return text

    async def stream(self, request: StreamRequest, head: StreamHead) -> AsyncGenerator[bytes]:
        """The bytes of a stream, as they arrive: first an empty piece when the head is there and `head` filled in.

        Whoever iterates closes the generator, and with it the connection; the event loop does so for one that is dropped.
        """
        with self._mapped(streaming=True):
            send = self._send(request.method, request.path, self._stream_timeout, json=request.json, streaming=True)
            async with send as response:
                head.status_code = response.status_code
                head.request_id = request_id(response)
                head.headers = response.headers
                if not response.is_success:
                    raise await error_from_response(response, self._token)
                if response.status_code != _OK:
                    if request.may_be_empty and response.status_code == _NO_CONTENT:
                        return
                    raise KaiStreamError(f"Expected a stream, got HTTP {response.status_code}", code="stream:no_answer")
                check_content_type(response.headers.get("content-type"))
                yield b""
                async for chunk in response.aiter_bytes():
                    yield chunk

    @asynccontextmanager
    async def _send(
        self,
        method: str,
        path: str,
        timeout: httpx.Timeout,  # noqa: ASYNC109 - httpx's own, per operation
        *,
        params: Query | None = None,
        json: JsonValue = None,
        auth: bool = True,
        streaming: bool = False,
    ) -> AsyncGenerator[httpx.Response]:
        headers = {
            "user-agent": f"kai-client/{__version__}",
            "accept": "text/event-stream" if streaming else "application/json",
            # No compression: a proxy that compresses a stream holds it back.
            **({"accept-encoding": "identity", "cache-control": "no-store"} if streaming else {}),
            **(self._credentials.headers() if auth else {}),
        }
        client = self._client()
        request = client.build_request(
            method, f"{self.base_url}{path}", params=params, json=json, headers=headers, timeout=timeout
        )
        # The connection failed or it did not: a redirect never takes the token elsewhere.
        with self._mapped():
            response = await client.send(request, stream=True, follow_redirects=False)
        try:
            yield response
        finally:
            await response.aclose()

    async def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > JSON_BODY_BYTES:
                raise KaiError(f"The answer is larger than {JSON_BODY_BYTES} bytes", "response:too_large")
        return bytes(body)

    def _client(self) -> httpx.AsyncClient:
        if self.closed:
            raise KaiClosedError("The client was closed; make a new one", "closed")
        if self._given is not None:
            return self._given
        if self._own is None:
            self._own = new_http_client()
        return self._own

    @property
    def _token(self) -> str:
        return self._credentials.token.get_secret_value()

    def _mapped(self, *, streaming: bool = False) -> AbstractContextManager[None]:
        return map_exceptions(self._token, streaming=streaming)


def new_http_client() -> httpx.AsyncClient:
    """An HTTP client as we like it: no redirects, no proxy on loopback, room for many streams."""
    return httpx.AsyncClient(
        follow_redirects=False,
        # A proxy from the environment cannot reach this machine's own ports.
        mounts=dict.fromkeys(_LOOPBACK),
        # One stream holds one connection for minutes, and an approval needs another beside it.
        limits=httpx.Limits(max_connections=1000, max_keepalive_connections=20),
    )


def _timeout(seconds: float | None, name: str) -> httpx.Timeout:
    """One number for every wait, as in the published interface; a connection that takes longer than 30 s is none."""
    if seconds is None:
        return httpx.Timeout(None, connect=_CONNECT_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"{name} must be a number of seconds or None, not {type(seconds).__name__}")
    if not seconds > 0:
        raise ValueError(f"{name} must be positive, not {seconds}")
    return httpx.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS))
