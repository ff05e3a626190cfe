"""`KaiClient`: the Kai API, one method per endpoint."""

import os
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from kai_client.exceptions import KaiConfigError
from kai_client.transport import Credentials, Transport, discover, storage_root
from kai_client.transport import base_url as checked_base_url

from .chats import ChatMethods
from .connect import PendingClient
from .project import ProjectMethods

if TYPE_CHECKING:
    import httpx

__all__ = ["KaiClient"]

_TIMEOUT: Final = 300.0
_STREAM_TIMEOUT: Final = 600.0


class KaiClient(ChatMethods, ProjectMethods):
    """A client of one Kai backend.

    Use it as `async with`, or `close()` it; a closed client stays closed. `timeout` and `stream_timeout` are seconds without
    a sign of life (of a request, of a stream), not totals; None waits for ever. A given `http_client` is used as it is and
    stays the caller's to close. Nothing is sent before the first call.
    """

    def __init__(
        self,
        storage_api_token: str,
        storage_api_url: str,
        base_url: str = "http://localhost:3000",
        timeout: float | None = _TIMEOUT,
        stream_timeout: float | None = _STREAM_TIMEOUT,
        *,
        workspace_id: str | None = None,
        http_client: "httpx.AsyncClient | None" = None,
        backend: str | None = None,
    ) -> None:
        self.backend = backend
        """The service id that discovery found; None for a client made with a `base_url`."""
        self._transport = Transport(
            checked_base_url(base_url, "base_url"),
            Credentials.checked(storage_api_token, checked_base_url(storage_api_url, "storage_api_url"), workspace_id),
            timeout=timeout,
            stream_timeout=stream_timeout,
            http_client=http_client,
        )

    @classmethod
    def from_storage_api(
        cls,
        storage_api_token: str,
        storage_api_url: str,
        timeout: float | None = _TIMEOUT,
        stream_timeout: float | None = _STREAM_TIMEOUT,
        *,
        service: str | None = None,
        workspace_id: str | None = None,
        http_client: "httpx.AsyncClient | None" = None,
    ) -> PendingClient[Self]:
        """A client of the stack's Kai service, found through its Storage API.

        `await` it or enter it with `async with`. `service` is a service id such as `kai-agent`; by default the stack's
        kai-agent is used, or its kai-assistant where it has no other. Raises `KaiConfigError` at once for a token or URL
        that cannot work, and `KaiError` with a `discovery:*` code when the service is not found.
        """
        credentials = Credentials.checked(storage_api_token, storage_root(storage_api_url), workspace_id)

        async def connect() -> Self:
            backend, url = await discover(credentials, service=service, timeout=timeout, http_client=http_client)
            return cls(
                storage_api_token,
                credentials.storage_url,
                url,
                timeout,
                stream_timeout,
                workspace_id=workspace_id,
                http_client=http_client,
                backend=backend,
            )

        return PendingClient(connect())

    @classmethod
    def from_env(
        cls,
        timeout: float | None = _TIMEOUT,
        stream_timeout: float | None = _STREAM_TIMEOUT,
        *,
        http_client: "httpx.AsyncClient | None" = None,
    ) -> PendingClient[Self]:
        """A client as the environment describes it; `await` it or enter it with `async with`.

        Reads `STORAGE_API_TOKEN` and `STORAGE_API_URL`, and, where set, `KAI_BASE_URL` (then there is no discovery),
        `KAI_SERVICE` and `WORKSPACE_ID`. Raises `KaiConfigError` that names every variable that is missing.
        """
        names = ("STORAGE_API_TOKEN", "STORAGE_API_URL")
        if missing := [name for name in names if not os.environ.get(name)]:
            raise KaiConfigError(f"Set {' and '.join(missing)} in the environment", "config:missing")
        token, storage_url = (os.environ[name] for name in names)
        workspace_id = os.environ.get("WORKSPACE_ID") or None
        url = os.environ.get("KAI_BASE_URL")
        if not url:
            service = os.environ.get("KAI_SERVICE") or None
            return cls.from_storage_api(
                token,
                storage_url,
                timeout,
                stream_timeout,
                service=service,
                workspace_id=workspace_id,
                http_client=http_client,
            )
        client = cls(
            token, storage_url, url, timeout, stream_timeout, workspace_id=workspace_id, http_client=http_client
        )

        async def ready() -> Self:
            return client

        return PendingClient(ready())

    @property
    def base_url(self) -> str:
        """Where requests go, without a trailing slash."""
        return self._transport.base_url

    @property
    def storage_api_url(self) -> str:
        """The Storage API of the stack, as every request names it."""
        return self._transport.credentials.storage_url

    async def close(self) -> None:
        """Close the connections, unless the HTTP client is the caller's own. Closing twice is fine."""
        await self._transport.aclose()

    async def aclose(self) -> None:
        """`close`, under the name that `contextlib.aclosing` looks for."""
        await self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"
