# Made of kai_client/client/__init__.py by scripts/generate_sync.py: change that, and run this.
"""`KaiClient`: the Kai API, one method per endpoint."""

import os
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from kai_client.client.requests import build_models
from kai_client.exceptions import KaiConfigError
from kai_client.sync.client.runs import RunMethods
from kai_client.sync.client.superseded import SupersededMethods
from kai_client.sync.transport import (
    Connections,
    Credentials,
    Limits,
    NetworkStack,
    RetryPolicy,
    Timeouts,
    TimeoutTypes,
    Transport,
    discover,
    set_up_logging,
    storage_root,
)
from kai_client.sync.transport import base_url as checked_base_url

if TYPE_CHECKING:
    import httpx

__all__ = ["KaiClient"]

_TIMEOUT: Final = 300.0
_STREAM_TIMEOUT: Final = 600.0


class KaiClient(RunMethods, SupersededMethods):
    """A client of one Kai backend.

    Use it as `with`, or `close()` it; a closed client stays closed, and many threads may use one client at the same time. `timeout`
    and `stream_timeout` are seconds without a sign of life (of a request, of a stream), not totals; None waits for ever, and
    `Timeouts` says more. `retry` says how often what is safe to repeat is tried again. A given `http_client` is used as it
    is and stays the caller's to close. Nothing is sent before the first call. `transport` is the network stack of a
    client without one: there is only "httpx", on blocking sockets.
    """

    _transport: Transport  # the groups of methods, which know a Carrier, never set it

    def __init__(
        self,
        storage_api_token: str,
        storage_api_url: str,
        base_url: str = "http://localhost:3000",
        timeout: TimeoutTypes = _TIMEOUT,
        stream_timeout: TimeoutTypes = _STREAM_TIMEOUT,
        *,
        workspace_id: str | None = None,
        http_client: "httpx.Client | None" = None,
        backend: str | None = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        transport: NetworkStack | None = None,
    ) -> None:
        self.backend = backend
        """The service id that discovery found; None for a client made with a `base_url`."""
        limits = limits or Limits()
        storage_url = checked_base_url(storage_api_url, "storage_api_url")
        self._transport = Transport(
            base_url=checked_base_url(base_url, "base_url"),
            credentials=Credentials.checked(storage_api_token, storage_url, workspace_id),
            connections=Connections(http_client, most=limits.connections, transport=transport),
            timeouts=Timeouts.of(timeout, "timeout"),
            stream_timeouts=Timeouts.of(stream_timeout, "stream_timeout"),
            retry=retry or RetryPolicy(),
            limits=limits,
        )
        set_up_logging(self._transport.credentials)

    @classmethod
    def from_storage_api(
        cls,
        storage_api_token: str,
        storage_api_url: str,
        timeout: TimeoutTypes = _TIMEOUT,
        stream_timeout: TimeoutTypes = _STREAM_TIMEOUT,
        *,
        service: str | None = None,
        workspace_id: str | None = None,
        http_client: "httpx.Client | None" = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        transport: NetworkStack | None = None,
    ) -> Self:
        """A client of the stack's Kai service, found through its Storage API.

        `service` is a service id such as `kai-agent`; by default the stack's
        kai-agent is used, or its kai-assistant where it has no other. Raises `KaiConfigError` at once for a token or URL
        that cannot work, and `KaiError` with a `discovery:*` code when the service is not found.
        """
        storage_url = storage_root(storage_api_url)
        client = cls(
            storage_api_token,
            storage_url,
            storage_url,
            timeout,
            stream_timeout,
            workspace_id=workspace_id,
            http_client=http_client,
            retry=retry,
            limits=limits,
            transport=transport,
        )
        return client._discovered(service)

    def _discovered(self, service: str | None) -> Self:
        """The client itself, once it knows where Kai is."""
        try:
            self.backend, url = discover(self._transport, service)
        except BaseException:
            self.close()
            raise
        self._transport = self._transport.to(url)  # pyright: ignore[reportIncompatibleVariableOverride]
        return self

    @classmethod
    def from_env(
        cls,
        timeout: TimeoutTypes = _TIMEOUT,
        stream_timeout: TimeoutTypes = _STREAM_TIMEOUT,
        *,
        http_client: "httpx.Client | None" = None,
        retry: RetryPolicy | None = None,
        limits: Limits | None = None,
        transport: NetworkStack | None = None,
    ) -> Self:
        """A client as the environment describes it.

        Reads `STORAGE_API_TOKEN` and `STORAGE_API_URL`, and, where set, `KAI_BASE_URL` (then there is no discovery),
        `KAI_SERVICE` and `WORKSPACE_ID`. Raises `KaiConfigError` that names every variable that is missing.
        """
        names = ("STORAGE_API_TOKEN", "STORAGE_API_URL")
        if missing := [name for name in names if not os.environ.get(name)]:
            raise KaiConfigError(f"Set {' and '.join(missing)} in the environment", "config:missing")
        token, storage_url = (os.environ[name] for name in names)
        url = os.environ.get("KAI_BASE_URL")
        client = cls(
            token,
            storage_root(storage_url),
            url or storage_url,
            timeout,
            stream_timeout,
            workspace_id=os.environ.get("WORKSPACE_ID") or None,
            http_client=http_client,
            retry=retry,
            limits=limits,
            transport=transport,
        )
        if url:
            return client
        return client._discovered(os.environ.get("KAI_SERVICE") or None)

    @property
    def base_url(self) -> str:
        """Where requests go, without a trailing slash."""
        return self._transport.base_url

    @property
    def storage_api_url(self) -> str:
        """The Storage API of the stack, as every request names it."""
        return self._transport.credentials.storage_url

    def close(self) -> None:
        """Close the connections, unless the HTTP client is the caller's own. Closing twice is fine."""
        self._transport.close()

    def __enter__(self) -> Self:
        """Make the client ready, without sending anything."""
        self._transport.prepare()
        build_models()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"
