# Made of kai_client/transport/discovery.py by scripts/generate_sync.py: change that, and run this.
"""Where Kai lives: asked of the Storage API's index, never built by hand (protocol, section 1)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from pydantic import JsonValue

from kai_client.exceptions import KaiConfigError, KaiConnectionError, KaiError, KaiTimeoutError
from kai_client.sync.transport.http import Transport
from kai_client.transport.urls import base_url, is_safe_for_token
from kai_client.types import KaiBackend

_SECONDS: Final = 30.0
_PREFERRED: Final = (KaiBackend.AGENT, KaiBackend.ASSISTANT)


def discover(transport: Transport, service: str | None) -> tuple[str, str]:
    """The id and base URL of the Kai service of a stack: `service`, or whichever the stack has, kai-agent first.

    Raises `KaiError` with the codes of protocol 1.4: `discovery:http_error`, `discovery:service_not_found`,
    `discovery:no_url`, and `discovery:insecure_url` for one that is neither https nor on this machine;
    `KaiConnectionError` where the Storage API cannot be reached.
    """
    storage = replace(transport.to(transport.credentials.storage_url), timeouts=transport.timeouts.at_most(_SECONDS))
    try:
        index = storage.request("GET", "/v2/storage", params={"exclude": "components"})
    except (KaiConnectionError, KaiTimeoutError):
        raise
    except KaiError as error:
        raise _http_error(error) from error
    try:
        return _pick(index, _PREFERRED if service is None else (service,))
    except KaiError as error:
        transport.credentials.redact_error(error)
        raise


def _http_error(error: KaiError) -> KaiError:
    if error.code == "response:not_json":
        return KaiError(error.message, "discovery:invalid_index")
    if error.status_code is None:
        return error
    message = error.message if error.message.startswith("HTTP ") else f"HTTP {error.status_code}: {error.message}"
    return type(error)(
        f"The Storage API refused discovery: {message}",
        "discovery:http_error",
        error.cause or error.code,
        error.response_data,
        status_code=error.status_code,
        retry_after=error.retry_after,
        request_id=error.request_id,
    )


def _pick(index: JsonValue, wanted: Sequence[str]) -> tuple[str, str]:
    if not isinstance(index, dict) or not isinstance(services := index.get("services", []), list):
        raise KaiError("The Storage API's index is not the JSON that was promised", "discovery:invalid_index")
    urls = dict(filter(None, map(_service, services)))
    found = next((name for name in wanted if name in urls), None)
    if found is None:
        known = ", ".join(sorted(urls)) or "none"
        raise KaiError(
            f"This stack has no service {' or '.join(map(repr, map(str, wanted)))}; it has: {known}",
            "discovery:service_not_found",
        )
    url = urls[found]
    if not isinstance(url, str) or not url.strip():
        raise KaiError(f"The service {str(found)!r} has no URL", "discovery:no_url")
    try:
        url = base_url(url, "url")
    except KaiConfigError:
        raise KaiError(f"The URL of {str(found)!r} is none that can be used", "discovery:invalid_url") from None
    if not is_safe_for_token(url):
        raise KaiError(f"The URL of {str(found)!r} is not https: {url}", "discovery:insecure_url")
    return str(found), url


def _service(entry: JsonValue) -> tuple[str, JsonValue] | None:
    match entry:
        case {"id": str(name), "url": url}:
            return name, url
        case {"id": str(name)}:
            return name, None
        case _:
            return None
