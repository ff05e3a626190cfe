"""A connection as asyncio's loop serves it: what has arrived and was not taken yet, and who waits for more."""

import asyncio
import select
from typing import Final, cast

from .arrival import Arrival

__all__ = ["Wire"]

_FIRST_BUFFER: Final = 4 * 1024
_LARGEST_BUFFER: Final = 256 * 1024
_TLS_RECORD: Final = 16 * 1024
_MOST_AHEAD: Final = 512 * 1024
"""As much may wait to be taken before the other side is held back."""


class Wire(asyncio.BufferedProtocol):
    """One reader, one writer. It belongs to the event loop in which it was made.

    The buffer is small as long as little comes at a time, for there may be thousands of open streams that get a word now and then.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._buffer = memoryview(bytearray(_FIRST_BUFFER))
        self.arrived: list[bytes] = []
        """What was not taken yet; always the same list."""
        self._ahead = 0
        self._paused = False
        self.arrival: Final = Arrival(self._loop)
        """What ends when something arrives, or the end; to be awaited only while there is nothing to take."""
        self._writer: asyncio.Future[None] | None = None
        self._writable = True
        self._closed = False
        self.transport: asyncio.Transport
        self.ended: bool = False
        """Whether nothing more will arrive."""
        self.unclean: bool = False
        """Whether what arrived may be more than one answer: it must serve no other request."""
        self.error: Exception | None = None
        """What broke it, if it did not end in good order."""

    def take(self) -> bytes:
        """All that has arrived since the last time; empty if nothing has, which is no end."""
        arrived = self.arrived
        if len(arrived) == 1:
            data = arrived[0]
        elif arrived:
            data = b"".join(arrived)
        else:
            return b""
        arrived.clear()
        self._ahead = 0
        if self._paused:
            self._go_on()
        return data

    def take_some(self, most: int) -> bytes:
        """The same, but not more than `most`, and not of several arrivals."""
        if not self.arrived:
            return b""
        data = self.arrived.pop(0)
        self._ahead -= len(data)
        self.give_back(data[most:])
        if self._paused and self._ahead <= _MOST_AHEAD:
            self._go_on()
        return data[:most]

    def give_back(self, data: bytes) -> None:
        """Have `data` taken again, before what has arrived since."""
        if data:
            self.arrived.insert(0, data)
            self._ahead += len(data)

    async def write(self, data: bytes) -> None:
        """Send `data`, as fast as the other side takes it. Raises `OSError` for a connection that is gone."""
        if self.ended or self.transport.is_closing():
            raise self._lost()
        self.transport.write(data)
        while not self._writable:
            self._writer = self._loop.create_future()
            await self._writer
        if self.error is not None:
            raise self._lost()

    async def close(self) -> None:
        """Close the socket; neither what is still to be sent nor the farewell of TLS is waited for. Closing twice is fine."""
        if not self._closed:
            self._closed = True
            self.transport.abort()
            await asyncio.sleep(0)  # the event loop closes the socket now

    def is_readable(self) -> bool:
        """Whether something has arrived that nobody has asked for, or ended it, of which the event loop may not know yet."""
        return self.unclean or bool(self.arrived) or self.ended or _readable(self.transport)

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self.transport = cast("asyncio.Transport", transport)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where the next bytes go. A socket keeps what does not fit.

        TLS has `sizehint` bytes, and a record that it has begun. What does not fit it would hand out in the next round of
        the event loop, but forgets it if the other side has closed by then.
        """
        if sizehint >= 0 and len(self._buffer) < sizehint + _TLS_RECORD:
            self._buffer = memoryview(bytearray(sizehint + _TLS_RECORD))
        return self._buffer

    def buffer_updated(self, nbytes: int) -> None:
        """They are there."""
        buffer = self._buffer
        self.arrived.append(bytes(buffer[:nbytes]))
        self._ahead += nbytes
        if nbytes == len(buffer) and nbytes < _LARGEST_BUFFER:
            self._buffer = memoryview(bytearray(4 * nbytes))
        if self._ahead > _MOST_AHEAD and not self._paused:
            self._paused = True
            self.transport.pause_reading()
        self.arrival.wake()

    def eof_received(self) -> bool:
        """The other side has said all: the transport may close itself."""
        self._end()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed, by whomever."""
        self.error = self.error or exc
        self._end()
        self.resume_writing()

    def pause_writing(self) -> None:
        """The other side does not keep up."""
        self._writable = False

    def resume_writing(self) -> None:
        """It does again."""
        self._writable = True
        if self._writer is not None and not self._writer.done():
            self._writer.set_result(None)

    def _go_on(self) -> None:
        self._paused = False
        self.transport.resume_reading()

    def _end(self) -> None:
        self.ended = True
        self.arrival.wake()

    def _lost(self) -> OSError:
        return self.error if isinstance(self.error, OSError) else ConnectionResetError("The connection was closed")


def _readable(transport: asyncio.Transport) -> bool:
    connected = transport.get_extra_info("socket")
    if connected is None or connected.fileno() < 0:
        return True
    if not hasattr(select, "poll"):  # Windows, whose select() takes any descriptor
        return bool(select.select([connected.fileno()], [], [], 0)[0])
    poll = select.poll()
    poll.register(connected.fileno(), select.POLLIN)
    return bool(poll.poll(0))
