"""`kai_node`: a handler as a program that takes jobs from a broker until it is told to stop."""

import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, Final, Generic, overload

from faststream import AckPolicy, FastStream
from faststream.nats import JStream, PullSub

from kai_client import KaiClient
from kai_client.exceptions import KaiConfigError
from kai_client.nats.door import map_nats_errors

from .broker import WorkerBroker, credentials, whole
from .context import KaiT
from .jetstream import JetStream
from .settings import NodeSettings
from .worker import Handler, Worker

__all__ = ["kai_node"]

_POLL: Final = 2.0
"""Seconds that a request for a job waits at the broker; one that was lost with the broker is made again after it."""
_FOR_EVER: Final = -1
_LOGGER: Final = logging.getLogger("kai_client.nats")


@overload
def kai_node(
    handler: Handler[KaiClient],
    settings: NodeSettings | None = None,
    *,
    on_startup: Sequence[Callable[[KaiClient], Awaitable[object]]] = ...,
    on_shutdown: Sequence[Callable[[KaiClient], Awaitable[object]]] = ...,
    middlewares: Sequence[Any] = ...,
    logger: logging.Logger = ...,
) -> FastStream: ...


@overload
def kai_node(
    handler: Handler[KaiT],
    settings: NodeSettings | None = None,
    *,
    kai: KaiT,
    on_startup: Sequence[Callable[[KaiT], Awaitable[object]]] = ...,
    on_shutdown: Sequence[Callable[[KaiT], Awaitable[object]]] = ...,
    middlewares: Sequence[Any] = ...,
    logger: logging.Logger = ...,
) -> FastStream: ...


def kai_node(
    handler: Handler[Any],
    settings: NodeSettings | None = None,
    *,
    kai: Any = None,
    on_startup: Sequence[Callable[[Any], Awaitable[object]]] = (),
    on_shutdown: Sequence[Callable[[Any], Awaitable[object]]] = (),
    middlewares: Sequence[Any] = (),
    logger: logging.Logger = _LOGGER,
) -> FastStream:
    """A worker: `asyncio.run(kai_node(handler).run())`, as many processes of it as you like.

    The app connects, makes the streams that are not there, and has `handler` do each job; docs/workers.md says what comes of
    what it raises. `run()` returns after SIGTERM or Ctrl-C, when the jobs that run are finished.

    `kai` is what handlers find as `ctx.kai`; without one the node opens `KaiClient.from_env()`, and closes it. The hooks get
    it, too: those of `on_startup` are over before the first job begins, those of `on_shutdown` begin when the last one is
    over. `middlewares` are FastStream's, for metrics and traces. Raises `KaiConfigError` for what is missing, here, and
    `run()` for what the broker refuses.
    """
    settings = settings or NodeSettings()
    if kai is None:
        _require_kai()
    node = _Node(handler, settings, kai, tuple(on_startup), tuple(on_shutdown), middlewares, logger)
    return FastStream(node.broker, logger=logger, lifespan=node.life)


class _Node(Generic[KaiT]):
    def __init__(
        self,
        handler: Handler[KaiT],
        settings: NodeSettings,
        kai: KaiT | None,
        on_startup: Sequence[Callable[[KaiT], Awaitable[object]]],
        on_shutdown: Sequence[Callable[[KaiT], Awaitable[object]]],
        middlewares: Sequence[Any],
        logger: logging.Logger,
    ) -> None:
        self._handler = handler
        self._settings = settings
        self._kai = kai
        self._on_startup = on_startup
        self._on_shutdown = on_shutdown
        self._logger = logger
        self.broker = WorkerBroker(
            settings.servers.split(","),
            security=credentials(settings.credentials),
            name=settings.durable,
            max_reconnect_attempts=_FOR_EVER,
            reconnect_time_wait=1,
            graceful_timeout=settings.grace,
            middlewares=middlewares,
            logger=logger,
            log_level=logging.DEBUG,
            apply_types=False,
        )

    @asynccontextmanager
    async def life(self) -> AsyncGenerator[None]:
        """From before the first job until after the last: what is opened here is closed here, whatever happens."""
        async with AsyncExitStack() as opened:
            kai: Any = self._kai
            if kai is None:
                kai = await opened.enter_async_context(KaiClient.from_env())
            opened.push_async_callback(self.broker.stop)
            await self._prepare(kai)
            for hook in self._on_startup:
                await hook(kai)
            yield
            for hook in self._on_shutdown:
                await hook(kai)

    async def _prepare(self, kai: KaiT) -> None:
        """Have the streams and the consumer, and as many subscribers as jobs at a time.

        Each asks for one job when it has none: a job that waits in a worker's memory would have nobody to say that it lives.
        """
        settings = self._settings
        with map_nats_errors():
            jetstream = JetStream(await self.broker.connect())
        made = {"window": settings.duplicate_window, "keep": settings.keep}
        output = await jetstream.stream(settings.left, queue=False, **made)
        source = await jetstream.stream(settings.taken, queue=True, **made)
        await jetstream.consumer(
            source, settings.taken, settings.durable, ack_wait=settings.ack_wait, most=settings.max_pending
        )
        worker = Worker(self._handler, settings, kai, self.broker, jetstream, output, self._logger)
        for _ in range(settings.concurrency):
            subscriber = self.broker.subscriber(
                settings.input,
                durable=settings.durable,
                stream=JStream(source, declare=False),
                pull_sub=PullSub(batch_size=1, timeout=_POLL),
                ack_policy=AckPolicy.MANUAL,
                decoder=whole,
            )
            subscriber(worker.receive)


def _require_kai() -> None:
    names = ("STORAGE_API_TOKEN", "STORAGE_API_URL")
    if missing := [name for name in names if not os.environ.get(name)]:
        raise KaiConfigError(f"Set {' and '.join(missing)} in the environment, or give kai=", "config:missing")
