"""What an error says of the answer that it broke off."""

from kai_client.exceptions import KaiError, KaiStreamError, KaiTimeoutError
from kai_client.transport import Credentials

from .folding import Folding

__all__ = ["attach", "count"]


def count(error: BaseException, received: str | None) -> None:
    """Say how much had arrived when the body of an answer went wrong."""
    if received is not None and isinstance(error, KaiStreamError | KaiTimeoutError):
        error.message = f"{error.message} after {received}"
        error.args = (error.message,)


def attach(error: BaseException, folding: Folding, request_id: str | None, credentials: Credentials) -> None:
    """Have it carry what there is of the answer, and nothing of the token."""
    if isinstance(error, KaiError):
        error.request_id = error.request_id or request_id
        error.partial_text = folding.answer.text
        error.partial_message = folding.answer.message
        credentials.redact_error(error)
