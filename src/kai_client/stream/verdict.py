"""Whether an answer ended well: half an answer is never taken for a whole one."""

from kai_client.accumulator import Accumulator
from kai_client.exceptions import KaiError, KaiStreamError, error_class
from kai_client.types import FinishReason

__all__ = ["failure_of"]


def failure_of(answer: Accumulator) -> KaiError | None:
    """The error that an answer ended with by its own account; None for one that did not.

    An error chunk's code, if it has one, decides the class as the same code would in a response.
    """
    if answer.errors:
        event = answer.errors[0]
        kind = error_class(event.code)
        return (KaiStreamError if kind is KaiError else kind)(event.message, event.code or "stream:error")
    if answer.abort is not None:
        return KaiStreamError("The answer was aborted", "stream:aborted", answer.abort.reason)
    if answer.finish is not None and answer.finish.finish_reason == FinishReason.ERROR:
        # What kai-agent says when nobody decided in time (protocol 2.5).
        return KaiStreamError("The answer failed, and the backend does not say why", "stream:finish_error")
    return None
