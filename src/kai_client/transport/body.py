"""The bytes of a body, decompressed a bounded piece at a time (see `inflate`)."""

from collections.abc import AsyncGenerator, AsyncIterator
from typing import cast

import httpx

from .inflate import is_compressed, layers_of, through

__all__ = ["decoded", "pieces"]


def pieces(response: httpx.Response) -> AsyncIterator[bytes]:
    """The body as `decoded` makes it, by the shortest way.

    Each generator between the socket and the reader costs as much as an event does: a body that is not compressed goes
    through none of ours.
    """
    if response.is_stream_consumed or is_compressed(response):
        return decoded(response)
    return aiter(cast("httpx.AsyncByteStream", response.stream))


async def decoded(response: httpx.Response) -> AsyncGenerator[bytes]:
    """The body as it was before compression. Raises `httpx.DecodingError` for one that is broken or cut.

    An encoding that nobody asked for is left as it is: some servers name one and use none.
    """
    if response.is_stream_consumed:  # a mock, whose body httpx has read and inflated
        async for piece in response.aiter_bytes():
            yield piece
        return
    layers = layers_of(response)
    async for data in response.aiter_raw():
        for piece in through(layers, data):
            yield piece
    for layer in layers:
        layer.finish()
