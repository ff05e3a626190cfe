"""What a node asks of JetStream, with known types, and each failure as a `KaiError`: nats-py leaves its options open."""

# pyright: reportUnknownMemberType=false

from collections.abc import Mapping
from typing import Final

from nats.aio.client import Client
from nats.errors import Error, MaxPayloadError
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy, RetentionPolicy, StreamConfig
from nats.js.errors import APIError, BadRequestError, NotFoundError
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_random_exponential

from kai_client.exceptions import KaiBadRequestError, KaiConfigError
from kai_client.nats.door import map_nats_errors, require_room

from .subjects import Station

__all__ = ["JetStream"]

_TIMEOUT: Final = 5.0
_LOOKS: Final = 3
"""How often a stream is looked for: others may be making it at the same moment."""
_WRONG_LAST_SEQUENCE: Final = 10071
_TOO_LARGE: Final = 10054
_FIRST_PAUSE: Final = 0.1
_LONGEST_PAUSE: Final = 2.0


class JetStream:
    """The streams behind a connection. Raises `KaiConnectionError`, `KaiTimeoutError` and `KaiConfigError`."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._js = client.jetstream(timeout=_TIMEOUT)

    async def stream(self, station: Station, *, queue: bool, window: float, keep: float) -> str:
        """The name of the stream that holds this station; it is made where there is none.

        A `queue` forgets what was acknowledged; the other kind keeps everything for `keep` seconds.
        """
        refused = ""
        with map_nats_errors():
            for _ in range(_LOOKS):
                names = {await self._holder(subject) for subject in (station.job("x"), station.error)}
                name = names.pop()
                if name is not None and not names:
                    return name
                if name is None and not names:
                    refused = await self._make(station, queue=queue, window=window, keep=keep)
        why = f" ({refused})" if refused else ""
        raise KaiConfigError(
            f"No one stream holds {' and '.join(station.everything)}{why}: change the stream's subjects, or remove it",
            "config:stream",
        )

    async def _holder(self, subject: str) -> str | None:
        try:
            return await self._js.find_stream_name_by_subject(subject)
        except NotFoundError:
            return None

    async def _make(self, station: Station, *, queue: bool, window: float, keep: float) -> str:
        """Make the stream; what the broker says against it, if anything: somebody else may just have made it."""
        config = StreamConfig(
            name=station.token,
            subjects=station.everything,
            retention=RetentionPolicy.WORK_QUEUE if queue else RetentionPolicy.LIMITS,
            max_age=0 if queue else keep,
            duplicate_window=window if queue else min(window, keep),
        )
        try:
            await self._js.add_stream(config)
        except BadRequestError as error:
            return error.description or ""
        return ""

    async def consumer(self, stream: str, station: Station, durable: str, *, ack_wait: float, most: int) -> None:
        """Have the durable consumer of a node's workers, with these settings; it is made or changed.

        The broker counts deliveries, but the node ends them: one that has reached the broker's own limit stays where it is,
        and nobody hears of it.
        """
        config = ConsumerConfig(
            durable_name=durable,
            name=durable,
            filter_subjects=station.inputs,
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait,
            max_ack_pending=most,
            max_deliver=-1,
        )
        await self._add(stream, config)

    async def collector(self, stream: str, name: str, subjects: list[str], *, forgotten_after: float) -> None:
        """A consumer of what arrives on these subjects from now on, which outlives the broker but not its reader."""
        config = ConsumerConfig(
            durable_name=name,
            name=name,
            filter_subjects=subjects,
            deliver_policy=DeliverPolicy.NEW,
            ack_policy=AckPolicy.EXPLICIT,
            inactive_threshold=forgotten_after,
        )
        await self._add(stream, config)

    async def _add(self, stream: str, config: ConsumerConfig) -> None:
        with map_nats_errors():
            try:
                await self._js.add_consumer(stream, config)
            except BadRequestError as error:
                raise KaiConfigError(
                    f"The stream {stream} takes no consumer {config.name} ({error.description}): change the stream, or"
                    " remove a consumer of that name",
                    "config:consumer",
                ) from None

    async def remove_consumer(self, stream: str, name: str) -> None:
        """Have no such consumer."""
        with map_nats_errors():
            try:
                await self._js.delete_consumer(stream, name)
            except NotFoundError:
                return

    async def put(self, stream: str, subject: str, body: bytes, headers: Mapping[str, str], *, patience: float) -> bool:
        """Publish and wait for the confirmation; False where the broker has this message already.

        It is offered again and again for `patience` seconds, which is safe: what sets it apart is in its headers. Raises
        `KaiBadRequestError` (`node:too_large`) for a message that no patience helps.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type((Error, OSError)),
            wait=wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
            stop=stop_after_delay(patience),
            reraise=True,
        )
        with map_nats_errors():
            return await retrying(self._put, stream, subject, body, headers, patience)

    async def _put(self, stream: str, subject: str, body: bytes, headers: Mapping[str, str], patience: float) -> bool:
        try:
            timeout = min(patience, _TIMEOUT)
            require_room(self._client.max_payload, body, headers)
            stored = await self._js.publish(subject, body, timeout=timeout, stream=stream, headers=dict(headers))
        except MaxPayloadError:
            raise _too_large() from None
        except APIError as error:
            if error.err_code == _WRONG_LAST_SEQUENCE:
                return False
            if error.err_code == _TOO_LARGE:
                raise _too_large() from None
            raise
        return not stored.duplicate

    async def last(self, stream: str, subject: str) -> bytes | None:
        """The last message on a subject, None if there is none."""
        with map_nats_errors():
            try:
                message = await self._js.get_last_msg(stream, subject)
            except NotFoundError:
                return None
        return message.data or b""

    async def forget(self, stream: str, subject: str) -> None:
        """Remove what is on a subject."""
        with map_nats_errors():
            await self._js.purge_stream(stream, subject=subject)

    async def is_queue(self, stream: str) -> bool:
        """Whether it forgets what was acknowledged."""
        with map_nats_errors():
            about = await self._js.stream_info(stream)
        return about.config.retention != RetentionPolicy.LIMITS

    async def is_served(self, stream: str) -> bool:
        """Whether somebody waits for a message of this stream, or is at one."""
        with map_nats_errors():
            consumers = await self._js.consumers_info(stream)
        return any(each.num_waiting or each.num_ack_pending for each in consumers)


def _too_large() -> KaiBadRequestError:
    return KaiBadRequestError(
        "The message is larger than the broker takes: put the content in an object store, and its name in the message",
        "node:too_large",
    )
