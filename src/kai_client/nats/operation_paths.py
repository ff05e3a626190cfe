"""Which operation is meant by a request of Kai's HTTP API: the client's methods speak in those."""

import re
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import unquote

from kai_client.types import JsonObject

__all__ = ["INFER", "operation_of"]

INFER: Final = "infer"

_PATHS: Final = [
    (method, re.compile(path), operation)
    for method, path, operation in (
        ("GET", "/ping", "ping"),
        ("GET", "/api", "info"),
        ("POST", "/api/chat", INFER),
        ("DELETE", "/api/chat", "delete_chat"),
        ("GET", "/api/chat/(?P<chatId>[^/]+)", "get_chat"),
        ("GET", "/api/chat/(?P<chatId>[^/]+)/stream", "resume_stream"),
        ("POST", "/api/chat/(?P<chatId>[^/]+)/replies", "send_tool_replies"),
        ("POST", "/api/chat/(?P<chatId>[^/]+)/approval", "submit_approval"),
        ("GET", "/api/history", "get_history"),
        ("GET", "/api/vote", "get_votes"),
        ("PATCH", "/api/vote", "vote"),
        ("GET", "/api/usage", "get_usage"),
        ("GET", "/api/settings", "get_settings"),
        ("PATCH", "/api/settings", "update_settings"),
        ("GET", "/api/settings/user", "get_user_settings"),
        ("PATCH", "/api/settings/user", "update_user_settings"),
        ("GET", "/api/settings/tools", "get_tools"),
        ("POST", "/api/suggestions", "get_suggestions"),
    )
]


def operation_of(method: str, path: str, params: Mapping[str, Any] | None, json: Any) -> tuple[str, JsonObject]:
    """The operation and its arguments."""
    for its_method, its_path, operation in _PATHS:
        match = its_path.fullmatch(path)
        if match is not None and method == its_method:
            found = {name: unquote(value) for name, value in match.groupdict().items()}
            return operation, {**found, **(params or {}), **(json or {})}
    raise LookupError(f"no operation for {method} {path}")  # a method of the client's without one: a bug of ours
