"""Who asks."""

from dataclasses import dataclass
from typing import Any, Self

from pydantic import SecretStr

from kai_client._wire import is_array, is_object
from kai_client.exceptions import KaiError
from kai_client.message import UIMessage

from .urls import header_value

__all__ = ["Credentials"]

_SHORTEST_SECRET = 4
"""What is shorter is a test's token, and part of many words."""


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
        token = self.token.get_secret_value()
        return text.replace(token, "***") if len(token) >= _SHORTEST_SECRET else text

    def redact_error(self, error: BaseException) -> None:
        """Take the token out of an error and of all that it chains: a traceback prints the causes, too."""
        seen: set[int] = set()
        chain: list[BaseException | None] = [error]
        while chain:
            each = chain.pop()
            if each is None or id(each) in seen:
                continue
            seen.add(id(each))
            chain += [each.__cause__, each.__context__]
            each.args = tuple(map(self._redacted, each.args))
            if isinstance(each, KaiError):
                self._redact_fields(each)

    def _redact_fields(self, error: KaiError) -> None:
        for name in ("message", "code", "cause", "response_data", "request_id", "partial_text"):
            setattr(error, name, self._redacted(getattr(error, name)))
        message = error.partial_message
        if message is None:
            return
        parts: object = message.to_dict()
        shown = self._redacted(parts)
        if shown is not parts:
            error.partial_message = UIMessage.from_dict(shown)

    def _redacted(self, value: Any) -> Any:
        """JSON, or whatever exceptions have for arguments, without the token: `value` itself where it is not in it.

        Without recursion: what a server sends may be nested as deeply as it likes.
        """
        root: list[Any] = [value]
        places: list[tuple[Any, Any]] = [(root, 0)]
        found = False
        while places:
            holder, key = places.pop()
            each: object = holder[key]
            new: object = each
            if isinstance(each, str):
                new = self.redact(each)
                found = found or new != each
            elif isinstance(each, bytes):
                new = each.replace(self.token.get_secret_value().encode(), b"***")
                found = found or new != each
            elif is_array(each):
                new = list(each)
                places += [(new, index) for index in range(len(new))]
            elif is_object(each):
                new = {self.redact(str(name)): inner for name, inner in each.items()}
                found = found or new.keys() != each.keys()
                places += [(new, name) for name in new]
            holder[key] = new
        return root[0] if found else value
