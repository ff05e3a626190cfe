"""The bodies of `POST /api/chat` (protocol 2.3)."""

from collections.abc import Mapping
from typing import Any

from kai_client.models import (
    AssistantMessageRequest,
    ChatRequest,
    MessageMetadata,
    MessageRequest,
    RequestContext,
    TextPart,
    ToolRestrictions,
)
from kai_client.sse import EventDecoder
from kai_client.transport import StreamRequest, checked_id

__all__ = ["build_models", "chat_request", "post", "user_message"]


def build_models() -> None:
    """Have what the first message and the first events need, built now: the first answer does not wait for it."""
    for model in (TextPart, MessageRequest, ChatRequest):
        model.model_rebuild()
    EventDecoder.prepare()


def user_message(message_id: str, text: str, *, hidden: bool, request_path: str | None) -> MessageRequest:
    """A message of the user. Raises `TypeError` for what is no text."""
    if not isinstance(text, str):  # pyright: ignore[reportUnnecessaryIsInstance] - checked for untyped callers
        raise TypeError(f"text must be a string, not {type(text).__name__}")
    metadata = _metadata(hidden=hidden, request_path=request_path)
    return MessageRequest(id=message_id, parts=[TextPart(text=text)], metadata=metadata)


def post(request: ChatRequest) -> StreamRequest:
    """The request that is answered by a stream."""
    return StreamRequest(method="POST", path="/api/chat", json=request.to_body())


def chat_request(
    chat_id: str,
    message: MessageRequest | AssistantMessageRequest,
    visibility: str,
    branch_id: int | None,
    model: str,
    tool_restrictions: ToolRestrictions | Mapping[str, Any] | None = None,
) -> ChatRequest:
    """The body. Raises `ValueError` or `TypeError` for what cannot be sent."""
    if branch_id is not None and (isinstance(branch_id, bool) or not isinstance(branch_id, int)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"branch_id must be an int, not {type(branch_id).__name__}")
    if tool_restrictions is not None and not isinstance(tool_restrictions, ToolRestrictions):
        tool_restrictions = ToolRestrictions.model_validate(tool_restrictions)
    return ChatRequest(
        id=checked_id(chat_id, "chat_id"),
        message=message,
        selected_chat_model=str(model),
        selected_visibility_type=str(visibility),
        branch_id=branch_id,
        tool_restrictions=tool_restrictions,
    )


def _metadata(*, hidden: bool, request_path: str | None) -> MessageMetadata | None:
    """Sent only if it says something, and then `hidden` is in it (protocol 2.3)."""
    if not hidden and request_path is None:
        return None
    context = None if request_path is None else RequestContext(path=request_path)
    return MessageMetadata(hidden=hidden, request_context=context)
