"""The two encodings of the messages, one of which a request chooses by its `content-type`; the answer has the same."""

from collections.abc import Sequence
from typing import Final, Protocol, TypeVar

from pydantic import BaseModel, ValidationError

from kai_client.exceptions import KaiBadRequestError, KaiError, KaiStreamError

from .messages import Chunk, InferReply, InferRequest, OperationReply, OperationRequest

__all__ = ["JSON", "PROTOBUF", "Codec", "malformed", "refused", "validated"]

JSON: Final = "application/json"
PROTOBUF: Final = "application/x-protobuf"

ModelT = TypeVar("ModelT", bound=BaseModel)


class Codec(Protocol):
    """An encoding. Reading a request raises `KaiBadRequestError`, reading an answer `KaiStreamError` or `KaiError`."""

    content_type: str

    def write_infer(self, request: InferRequest) -> bytes:
        """For the service."""
        ...

    def read_infer(self, data: bytes) -> InferRequest:
        """By the service."""
        ...

    def write_operation(self, request: OperationRequest) -> bytes:
        """For the service."""
        ...

    def read_operation(self, data: bytes) -> OperationRequest:
        """By the service."""
        ...

    def write_reply(self, reply: InferReply) -> bytes:
        """For the caller."""
        ...

    def read_reply(self, data: bytes) -> InferReply:
        """By the caller."""
        ...

    def write_result(self, reply: OperationReply) -> bytes:
        """For the caller."""
        ...

    def read_result(self, data: bytes) -> OperationReply:
        """By the caller."""
        ...

    def write_chunks(self, chunks: Sequence[Chunk]) -> bytes:
        """For the caller."""
        ...

    def read_chunks(self, data: bytes) -> list[Chunk]:
        """By the caller."""
        ...


def validated(model: type[ModelT], value: object) -> ModelT:
    """`value` as a request. Raises `KaiBadRequestError` with the names of the fields and without their values."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False, include_context=False)[:3]
        texts = (f"{'.'.join(map(str, each['loc'])) or 'request'}: {each['msg']}" for each in details)
        raise refused("; ".join(texts)) from None


def refused(cause: str) -> KaiBadRequestError:
    """The error for a request that cannot be read."""
    return KaiBadRequestError("The request is not valid.", "bad_request:infer", cause, status_code=400)


def malformed(streaming: bool = False) -> KaiError:
    """The error for an answer that cannot be read."""
    if streaming:
        return KaiStreamError("A message of the stream cannot be read", "stream:malformed")
    return KaiError("The service's answer cannot be read", "response:invalid")
