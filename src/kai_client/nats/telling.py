"""What an observer is told of an answer that comes in one reply."""

from kai_client.events import UsageInfo
from kai_client.message import UIMessage
from kai_client.telemetry import AnswerEnded, ChatBegan
from kai_client.types import Json, JsonObject

from .messages import InferReply, InferRequest

__all__ = ["infer_began", "infer_ended"]


def infer_began(request: InferRequest, url: str) -> ChatBegan:
    """The request, as the chat of Kai's own API that it stands for."""
    said: Json = [{"type": "text", "text": request.prompt or ""}]
    body: JsonObject = {"selectedChatModel": request.model, "message": {"role": "user", "parts": said}}
    return ChatBegan(chat_id=request.chat_id or "", url=url, body=body)


def infer_ended(reply: InferReply) -> AnswerEnded:
    """The whole answer, as far as the reply has it."""
    said: JsonObject = {"type": "text", "text": reply.output}
    message = UIMessage.from_dict({"id": reply.generation_id or "", "role": "assistant", "parts": [said]})
    return AnswerEnded(
        is_whole=True,
        message=message,
        usage=reply.usage or UsageInfo(),
        finish_reason=reply.finish_reason,
        request_id=reply.request_id or None,
    )
