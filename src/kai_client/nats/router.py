"""`kai_router`: Kai as a service on a NATS broker."""

from typing import Final

from faststream.nats import NatsMessage as Message
from faststream.nats import NatsRouter
from faststream.nats.annotations import NatsBroker, NatsMessage

from kai_client.backend import ChatBackend
from kai_client.server.service import KaiHost, KaiService

from .call import Call
from .door import require_subject
from .service import InferService

__all__ = ["QUEUE", "SUBJECT", "kai_router"]

SUBJECT: Final = "svc.ai.llm.v1.infer"
QUEUE: Final = "q.ai.llm.infer"


def kai_router(
    backend: ChatBackend | KaiService | KaiHost,
    *,
    subject: str = SUBJECT,
    queue: str = QUEUE,
    max_workers: int = 16,
    max_waiting: int = 1000,
) -> NatsRouter:
    """A router for your own FastStream broker: `broker.include_router(kai_router(backend))`. See docs/nats.md.

    `backend` is what `kai_app` takes: a `ChatBackend`, a `KaiService` such as `KaiClient`, or a `KaiHost`. Whoever opened it
    closes it. Replicas with the same `queue` share the requests on `subject`; each answers `max_workers` at a time, lets
    `max_waiting` more wait, and refuses what is beyond with `rate_limit:service`. Kai's other methods are under
    `{subject}.{operation}`. Raises `ValueError` for a subject with wildcards or spaces.
    """
    require_subject(subject)
    service = InferService(backend, subject, max_workers=max_workers, max_waiting=max_waiting)
    router = NatsRouter()
    # What waits is counted by the service, which tells the callers that it lives; FastStream must not hold it back before.
    at_once = max_workers + max_waiting + 1

    @router.subscriber(subject, queue=queue, max_workers=at_once, no_reply=True, decoder=_as_it_is)
    async def infer(message: NatsMessage, broker: NatsBroker) -> None:
        """A request to Kai: one reply, or a stream of chunks to the reply subject."""
        await service.infer(Call(broker=broker, message=message))

    @router.subscriber(f"{subject}.*", queue=queue, max_workers=at_once, no_reply=True, decoder=_as_it_is)
    async def operation(message: NatsMessage, broker: NatsBroker) -> None:
        """Kai's other methods, by the last word of the subject."""
        await service.operation(Call(broker=broker, message=message), message.raw_message.subject.rpartition(".")[2])

    del infer, operation
    return router


async def _as_it_is(message: Message) -> bytes:
    """The body is read by us: strictly, and what is wrong with it is told to the caller."""
    return message.body
