"""Who asks."""

from dataclasses import dataclass
from typing import Self

from pydantic import SecretStr

from .urls import header_value

__all__ = ["Credentials"]


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The token and what goes with it. The token shows up in no `repr`."""

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

    def redact(self, text: str) -> str:
        """`text` without the token, which servers and proxies like to echo."""
        return text.replace(self.token.get_secret_value(), "***")
