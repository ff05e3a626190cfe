"""The body of a stream, read past the HTTP parser: see `transport.asyncio_stack`."""

from collections.abc import Iterator

import httpcore
import httpx

from kai_client.transport.chunked import LAST, Chunks

from .network import NetworkStream

__all__ = ["ChunkedBody"]


class ChunkedBody(Iterator[bytes]):
    """What is in the chunks of an answer, as soon as it arrives; at the end and at whatever is not plain `whole` goes on.

    `idle` is how many seconds a read may wait. Raises httpx's exceptions.
    """

    def __init__(self, network: NetworkStream, whole: Iterator[bytes], idle: float | None) -> None:
        self._take = network.take
        self._give_back = network.give_back
        self._chunks = Chunks()
        self._whole = whole
        self._plain = True
        self._idle = idle

    def __next__(self) -> bytes:
        chunks = self._chunks
        while self._plain:
            try:
                data = self._take(self._idle)
            except httpcore.ReadTimeout as error:
                raise httpx.ReadTimeout(str(error)) from error
            except httpcore.NetworkError as error:
                raise httpx.ReadError(str(error)) from error
            content = chunks.feed(data) if data else b""
            if chunks.stopped or not data:
                self._plain = False
                # The parser would keep what follows the end for the answer to the next request.
                self._give_back(chunks.rest, unclean=chunks.rest != LAST)
            if content:
                return content
        return next(self._whole)
