"""The infer contract and Kai's own chat request, each made of the other: the service asks Kai, the client is asked like Kai."""

import uuid
from collections.abc import Mapping
from typing import Any, Final

from pydantic import ValidationError

from kai_client.models import ToolRestrictions
from kai_client.server.bodies import ChatBody
from kai_client.server.faults import refusal
from kai_client.types import ChatModel, JsonObject, VisibilityType

from .codecs import validated
from .messages import InferMessage, InferRequest, Meta, ToolLimits

__all__ = ["chat_body", "infer_request", "wire_error"]

_LIMITS: Final = tuple(ToolLimits.model_fields)


def chat_body(request: InferRequest) -> ChatBody:
    """What Kai is asked, under a new chat id where none is given. Raises `KaiBadRequestError` with the names of the fields."""
    parameters = request.parameters
    message = request.messages[0] if request.messages else InferMessage(role="user", content=request.prompt)
    limits = parameters.tool_restrictions
    wire: dict[str, Any] = {
        "id": request.chat_id or str(uuid.uuid4()),
        "message": _wire_message(message, request),
        "selectedChatModel": request.model if request.model is not None else ChatModel.CHAT.value,
        "selectedVisibilityType": parameters.visibility or VisibilityType.PRIVATE.value,
    }
    if parameters.branch_id is not None:
        wire["branchId"] = parameters.branch_id
    if limits is not None:
        wire["toolRestrictions"] = ToolRestrictions(**limits.model_dump(exclude_none=True))
    try:
        return ChatBody.model_validate(wire)
    except ValidationError as error:
        raise wire_error(error) from None


def _wire_message(message: InferMessage, request: InferRequest) -> JsonObject:
    text: JsonObject = {"type": "text", "text": message.content}
    wire: JsonObject = {
        "id": message.id or str(uuid.uuid4()),
        "role": message.role,
        "parts": [text] if message.content is not None else list(message.parts),
    }
    metadata: JsonObject = dict(message.metadata or {})
    if request.parameters.hidden is not None:
        metadata["hidden"] = request.parameters.hidden
    if request.parameters.request_path is not None:
        metadata["requestContext"] = {"path": request.parameters.request_path}
    if metadata or message.metadata is not None:
        wire["metadata"] = metadata
    return wire


def infer_request(body: Mapping[str, Any], meta: Meta, *, window: int) -> InferRequest:
    """The request for a streamed answer to a body of `POST /api/chat`. Raises `KaiBadRequestError`."""
    message: Mapping[str, Any] = body["message"]
    limits: Mapping[str, Any] = body.get("toolRestrictions") or {}
    names = {name: alias for name, field in ToolRestrictions.model_fields.items() if (alias := field.alias)}
    known = {alias: name for name, alias in names.items() if name in _LIMITS}
    parameters: dict[str, Any] = {"visibility": body["selectedVisibilityType"], "branch_id": body.get("branchId")}
    if "toolRestrictions" in body:
        parameters["tool_restrictions"] = {known.get(name, name): value for name, value in limits.items()}
    found = {name: message[name] for name in ("id", "role", "parts", "metadata") if message.get(name) is not None}
    asked = {"chat_id": body["id"], "messages": [found], "model": body["selectedChatModel"], "parameters": parameters}
    return validated(InferRequest, {**asked, "meta": meta, "stream": True, "window": window})


def wire_error(error: ValidationError) -> Exception:
    """The refusal of Kai's own API, as its HTTP face words it: the fields, without their values."""
    problems = error.errors(include_url=False, include_input=False, include_context=False)[:3]
    texts = (f"{'.'.join(str(step) for step in problem['loc'])}: {problem['msg']}" for problem in problems)
    return refusal("bad_request:api", "The request is not valid.", cause="; ".join(texts))
