"""Whether a response can be an event stream."""

from kai_client.exceptions import KaiStreamError

__all__ = ["check_content_type"]


def check_content_type(content_type: str | None) -> None:
    """Raise `KaiStreamError` where a page or a JSON document stands in the place of a stream.

    A missing content type is fine: the AI SDK v5 template sends none (protocol 4.1).
    """
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind == "text/event-stream" or not (kind.endswith(("html", "json", "xml"))):
        return
    raise KaiStreamError(f"Expected an event stream, got {kind!r}", code="stream:content_type")
