"""Whose token it is, and what it may: asked of the Storage API (protocol 1.5)."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any, ClassVar, Final

from pydantic import ConfigDict, field_validator
from pydantic.alias_generators import to_camel

from kai_client._wire import WireModel, is_object, read_leniently
from kai_client.exceptions import KaiError

from .connections import Connections
from .credentials import Credentials
from .http import Transport
from .log import set_up_logging
from .retry import RetryPolicy
from .timeouts import Timeouts
from .urls import storage_root

__all__ = ["TokenAdmin", "TokenInfo", "TokenProject", "storage_api", "verify_token"]

_ONCE: Final = RetryPolicy(attempts=1)


class _KnownFields(WireModel):
    """The answer repeats the token itself: what has no name here is not kept."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        alias_generator=to_camel, populate_by_name=True, extra="ignore", defer_build=True
    )

    @field_validator("id", mode="before", check_fields=False)
    @classmethod
    def _text(cls, value: Any) -> Any:
        """Ids are seen as numbers, too."""
        return str(value) if isinstance(value, int) else value


class TokenProject(_KnownFields):
    """The project that a token belongs to."""

    id: str = ""
    name: str = ""


class TokenAdmin(_KnownFields):
    """The user whose master token it is."""

    name: str = ""
    role: str | None = None


class TokenInfo(_KnownFields):
    """`GET /v2/storage/tokens/verify`, without the token. `admin` is there for master tokens only."""

    id: str = ""
    description: str = ""
    expires: datetime | None = None
    is_master_token: bool = False
    is_expired: bool = False
    is_disabled: bool = False
    owner: TokenProject = TokenProject()
    admin: TokenAdmin | None = None


@asynccontextmanager
async def storage_api(token: str, storage_api_url: str, *, timeouts: Timeouts) -> AsyncGenerator[Transport]:
    """The Storage API itself, each request sent once; closed with the block. Raises `KaiConfigError` as `KaiClient` does."""
    root = storage_root(storage_api_url)
    credentials = Credentials.checked(token, root)
    set_up_logging(credentials)
    transport = Transport(
        base_url=root,
        credentials=credentials,
        connections=Connections(None, most=1),
        timeouts=timeouts,
        stream_timeouts=timeouts,
        retry=_ONCE,
    )
    try:
        yield transport
    finally:
        await transport.aclose()


async def verify_token(storage: Transport) -> TokenInfo:
    """What the Storage API says about the token. Raises `KaiError`: `KaiAuthenticationError` for one that is none."""
    answer = await storage.request("GET", "/v2/storage/tokens/verify")
    if not is_object(answer):
        raise KaiError("The Storage API's answer about the token is no JSON object", "response:not_json")
    try:
        return read_leniently(TokenInfo, answer)
    except ValueError as error:
        raise KaiError(f"The Storage API's answer about the token is not usable: {error}", "response:invalid") from None
