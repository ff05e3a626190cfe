"""Decompression of a bounded piece at a time. Pure.

httpx inflates whatever has arrived in one go, and what inflates to more compressed data again: sixty kilobytes can become
sixty gigabytes before anybody counts them. It also takes a compressed body that was cut for a whole one. So this is done here.
"""

import zlib
from collections.abc import Iterator, Sequence
from typing import Final

import httpx

__all__ = ["ACCEPTED", "Inflation", "is_compressed", "layers_of", "through"]

ACCEPTED: Final = "gzip, deflate"
"""What is asked for, and all that is understood."""

_PIECE: Final = 256 * 1024
_MOST_LAYERS: Final = 4
_AUTOMATIC: Final = zlib.MAX_WBITS | 32
_KINDS: Final = {"gzip", "x-gzip", "deflate"}


def is_compressed(response: httpx.Response) -> bool:
    """Whether there is something to undo."""
    return bool(layers_of(response))


def layers_of(response: httpx.Response) -> "list[Inflation]":
    """What to undo, outermost first."""
    names = [name.strip().lower() for name in response.headers.get("content-encoding", "").split(",")]
    kinds = [name for name in reversed(names) if name in _KINDS]
    if len(kinds) > _MOST_LAYERS:
        raise httpx.DecodingError(f"The body is compressed more than {_MOST_LAYERS} times")
    return [Inflation() for _ in kinds]


def through(layers: "Sequence[Inflation]", data: bytes) -> Iterator[bytes]:
    """What `data` becomes in all of them."""
    if not layers:
        yield data
        return
    for piece in layers[0].feed(data):
        yield from through(layers[1:], piece)


class Inflation:
    """One layer of gzip or deflate; either is recognised by its first bytes."""

    def __init__(self) -> None:
        self._inflate = zlib.decompressobj(_AUTOMATIC)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What `data` becomes, in pieces of bounded size."""
        while True:
            piece = self._inflated(data)
            if piece:
                yield piece
            data = self._inflate.unconsumed_tail
            if self._inflate.eof:
                # A gzip body may have several members, and zeros behind the last.
                data = self._inflate.unused_data.lstrip(b"\0")
                if not data:
                    return
                self._inflate = zlib.decompressobj(_AUTOMATIC)
            elif not data and len(piece) < _PIECE:
                return

    def _inflated(self, data: bytes) -> bytes:
        first, self._begun = not self._begun and bool(data), self._begun or bool(data)
        if self._inflate.eof and data:
            self._inflate = zlib.decompressobj(_AUTOMATIC)
        try:
            return self._inflate.decompress(data, _PIECE)
        except zlib.error as error:
            if not first or data[:1] == b"\x1f":
                raise httpx.DecodingError(f"The body is not what its encoding says: {error}") from error
        # "deflate" without the header of zlib, as some servers understand it.
        self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            return self._inflate.decompress(data, _PIECE)
        except zlib.error as error:
            raise httpx.DecodingError(f"The body is not what its encoding says: {error}") from error

    def finish(self) -> None:
        """Raise for a body that ends in the middle."""
        if self._begun and not self._inflate.eof:
            raise httpx.DecodingError("The compressed body is not whole")
