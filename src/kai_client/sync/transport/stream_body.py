# Made of kai_client/transport/stream_body.py by scripts/generate_sync.py: change that, and run this.
"""The body of a stream: pieces as they arrive, and the connection given back."""

from collections.abc import Callable, Generator
from contextlib import suppress
from typing import Final, cast

import httpx

from kai_client.exceptions import KaiError
from kai_client.sync.giving_back import ExitStack
from kai_client.sync.transport.body import pieces
from kai_client.transport.credentials import Credentials
from kai_client.transport.errors import map_exceptions, mapped_error
from kai_client.transport.inflate import is_compressed

__all__ = ["StreamBody"]

_READ: Final = "kai_client.read"
"""Under this name a response's extensions may have what returns the next bytes of its body, as `__next__` does. It skips
httpx's generators, of which each costs as much as an event."""


class StreamBody:
    """Read it until `read` returns None, or close it; one that is dropped is closed with its response.

    `next` is the way for whoever reads token by token: the next bytes, without a layer of ours; for what it raises, whatever
    it is, ask `ended`. `connection` gives the connection back when it is closed.
    """

    def __init__(self, response: httpx.Response, credentials: Credentials, connection: ExitStack) -> None:
        self.next: Callable[[], bytes]
        if _READ in response.extensions and not is_compressed(response):
            self.next = response.extensions[_READ]
        else:
            body = pieces(response)
            self.next = body.__next__
            if isinstance(body, Generator):
                connection.callback(self._end, cast("Generator[bytes]", body))
        self._credentials = credentials
        self._connection = connection

    def read(self) -> bytes | None:
        """The next bytes, as soon as there are any; None after the last. Raises as `ended` does."""
        try:
            return self.next()
        except Exception as error:  # noqa: BLE001 - all of them: see there
            self.ended(error)
            return None

    def ended(self, error: Exception) -> None:
        """Close it, since `next` has raised `error`. Raises the `KaiError` that it means; an orderly end is none."""
        if isinstance(error, StopIteration):
            self.close()
            return
        with suppress(KaiError):  # what went wrong first is what is told
            self.close()
        raise mapped_error(error, self._credentials, streaming=True) from error

    def close(self) -> None:
        """Give the connection back; closing twice is fine."""
        self._connection.close()

    def _end(self, body: Generator[bytes]) -> None:
        with map_exceptions(self._credentials):
            body.close()
