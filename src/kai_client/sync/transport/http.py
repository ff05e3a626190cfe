# Made of kai_client/transport/http.py by scripts/generate_sync.py: change that, and run this.
"""Requests and byte streams: authentication, timeouts, retries, bounds, and who closes what."""

import contextlib
import re
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

import httpx
from pydantic import JsonValue

from kai_client._version import __version__
from kai_client._wire import decode_json
from kai_client.exceptions import KaiClosedError, KaiError, KaiStreamError, KaiTimeoutError
from kai_client.sync import waits
from kai_client.sync.giving_back import ExitStack
from kai_client.sync.sse import check_content_type
from kai_client.sync.transport.body import decoded
from kai_client.sync.transport.connections import Connections
from kai_client.sync.transport.error_answers import error_from_response
from kai_client.sync.transport.retrying import retrying
from kai_client.sync.transport.stream_body import StreamBody
from kai_client.telemetry import RequestBegan, headers, observed
from kai_client.transport.credentials import Credentials
from kai_client.transport.errors import map_exceptions, request_id
from kai_client.transport.inflate import ACCEPTED
from kai_client.transport.limits import Limits
from kai_client.transport.log import log_request, log_response
from kai_client.transport.requests import Query, StreamHead, StreamRequest
from kai_client.transport.retry import RetryPolicy
from kai_client.transport.timeouts import Timeouts

__all__ = ["Transport"]

_OK: Final = 200
_NO_CONTENT: Final = 204
_QUOTED: Final = 200
_HTML: Final = re.compile(r"html\b", re.IGNORECASE)

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, kw_only=True)
class Transport:
    """Requests to one base URL."""

    base_url: str
    credentials: Credentials
    connections: Connections = field(repr=False)
    timeouts: Timeouts
    stream_timeouts: Timeouts
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    limits: Limits = field(default_factory=Limits)

    @property
    def url(self) -> str:
        """Where requests go."""
        return self.base_url

    def to(self, base_url: str) -> "Transport":
        """The same, to another URL."""
        return replace(self, base_url=base_url)

    def prepare(self) -> None:
        """Load what the first request would have to load. Raises `KaiConfigError` where that is not installed."""
        self.connections.open(self.base_url)

    def close(self) -> None:
        """Close the connections, unless they are the caller's own; closing twice is fine, using them afterwards is not."""
        self.connections.close()

    def request(
        self, method: str, path: str, *, params: Query | None = None, json: JsonValue = None, auth: bool = True
    ) -> JsonValue:
        """The JSON of a 2xx answer; its text where it is no JSON; None where it is empty. Any other status raises."""

        def attempt() -> JsonValue:
            with self._send(method, path, self.timeouts, params=params, json=json, auth=auth) as response:
                with self._mapped():
                    if not response.is_success:
                        raise self._error(response, self.timeouts)
                    return _content(response, self._read(response))

        with observed(RequestBegan(method=method, path=path, url=self.base_url)):
            return self._within_total(self.timeouts.total, lambda: self._retrying(method, attempt))

    def open(self, request: StreamRequest, head: StreamHead) -> StreamBody:
        """A stream whose head has arrived, over as many attempts as the policy allows; `head` is filled in.

        Whoever reads the body closes it, and with it the connection.
        """
        return self._retrying(request.method, lambda: self._opened(request, head))

    def _retrying(self, method: str, attempt: Callable[[], ResultT]) -> ResultT:
        return retrying(self.retry, method, attempt, self.connections.sleep)

    def _opened(self, request: StreamRequest, head: StreamHead) -> StreamBody:
        with ExitStack() as connection:
            send = self._send(request.method, request.path, self.stream_timeouts, json=request.json, streaming=True)
            response = connection.enter_context(send)
            with self._mapped(streaming=True):
                head.status_code = response.status_code
                head.request_id = request_id(response)
                head.headers = response.headers
                if not response.is_success:
                    raise self._error(response, self.stream_timeouts)
                if response.status_code != _OK and not (request.may_be_empty and response.status_code == _NO_CONTENT):
                    raise KaiStreamError(f"Expected a stream, got HTTP {response.status_code}", code="stream:no_answer")
                if response.status_code == _OK:
                    check_content_type(response.headers.get("content-type"))
                return StreamBody(response, self.credentials, connection.pop_all())

    @contextmanager
    def _send(
        self,
        method: str,
        path: str,
        timeouts: Timeouts,
        *,
        params: Query | None = None,
        json: JsonValue = None,
        auth: bool = True,
        streaming: bool = False,
    ) -> Generator[httpx.Response]:
        sent = {
            **headers(),
            "user-agent": f"kai-client/{__version__}",
            "accept": "text/event-stream" if streaming else "application/json",
            # No compression: a proxy that compresses a stream holds it back.
            "accept-encoding": "identity" if streaming else ACCEPTED,
            **({"cache-control": "no-store"} if streaming else {}),
            **(self.credentials.headers() if auth else {}),
        }
        url = f"{self.base_url}{path}"
        client = self.connections.client(url)
        options = {"params": params, "json": json, "headers": sent, "timeout": waits.shortened(timeouts).for_httpx()}
        request = self._built(client, method, url, options)
        log_request(request, self.credentials)
        try:
            with self._mapped():
                # A redirect never takes the token elsewhere, whatever the caller's own client does.
                response = client.send(request, stream=True, follow_redirects=False)
        except KaiError as error:
            if self.connections.closed:
                raise KaiClosedError("The client was closed while it waited for an answer", "closed") from error
            raise
        try:
            log_response(response, self.credentials)
            yield response
        finally:
            with self._mapped():
                response.close()

    def _built(self, client: httpx.Client, method: str, url: str, options: dict[str, Any]) -> httpx.Request:
        """The request. What JSON cannot say is the caller's mistake and stays a `TypeError` or `ValueError`."""
        try:
            return client.build_request(method, url, **options)
        except (httpx.InvalidURL, UnicodeError):
            with self._mapped():
                raise
            raise

    def _read(self, response: httpx.Response) -> bytes:
        body = bytearray()
        with contextlib.closing(decoded(response)) as pieces:
            for piece in pieces:
                body += piece
                if len(body) > self.limits.json_bytes:
                    raise KaiError(f"The answer is larger than {self.limits.json_bytes} bytes", "response:too_large")
        return bytes(body)

    def _error(self, response: httpx.Response, timeouts: Timeouts) -> KaiError:
        return error_from_response(response, self.limits.error_bytes, timeouts.idle)

    def _within_total(self, seconds: float | None, work: Callable[[], ResultT]) -> ResultT:
        try:
            return waits.within(seconds, work)
        except TimeoutError as error:
            self.credentials.redact_error(error)
            raise KaiTimeoutError(f"No answer within {seconds} s in all", "timeout:total") from error

    def _mapped(self, *, streaming: bool = False) -> AbstractContextManager[None]:
        return map_exceptions(self.credentials, streaming=streaming)


def _content(response: httpx.Response, body: bytes) -> JsonValue:
    """The JSON of an answer; its text where it is no JSON, None where it is empty. A page is no answer at all.

    Broken UTF-8 becomes U+FFFD and a byte order mark is skipped, as in every browser.
    """
    text = body.decode("utf-8-sig", "replace")
    if _HTML.search(response.headers.get("content-type", "")):
        # A captive portal or a gateway: not even a method that needs no content may take it for a yes.
        raise KaiError(f"Expected JSON, got a page: {' '.join(text.split())[:_QUOTED]}", "response:not_json")
    try:
        return decode_json(text) if text.strip() else None
    except ValueError:
        return text
