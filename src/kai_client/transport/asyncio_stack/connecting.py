"""A connection to a name that may have several addresses, some of which may not answer."""

import asyncio
import ipaddress
import socket
from itertools import chain, zip_longest
from typing import Final

from .wire import Wire

__all__ = ["connect"]

_HEAD_START: Final = 0.25
"""Seconds that an address has before the next is tried beside it (RFC 8305, 5)."""

_Attempt = asyncio.Task[tuple[asyncio.Transport, Wire]]


async def connect(host: str, port: int, local_address: str | None = None) -> Wire:
    """A connection to the first address that answers, the families in turn. Raises `OSError`.

    asyncio has the same (`happy_eyeballs_delay`), but loses a socket whose wait is cancelled as it connects.
    """
    loop = asyncio.get_running_loop()
    addresses = [host] if _is_address(host) else await _addresses(host, port)
    attempts = set[_Attempt]()
    failure: OSError | None = None
    try:
        while addresses or attempts:
            if addresses:
                local = None if local_address is None else (local_address, 0)
                connecting = loop.create_connection(Wire, addresses.pop(0), port, local_addr=local)
                attempts.add(loop.create_task(connecting))
            head_start = _HEAD_START if addresses else None
            done, _ = await asyncio.wait(attempts, timeout=head_start, return_when=asyncio.FIRST_COMPLETED)
            for attempt in done:
                try:
                    _, wire = attempt.result()
                except OSError as error:
                    failure = failure or error
                    attempts.remove(attempt)
                else:
                    attempts.remove(attempt)
                    return wire
    finally:
        for attempt in attempts:
            attempt.cancel()
            attempt.add_done_callback(_abandon)
    raise failure or OSError(f"{host} has no address")


async def _addresses(host: str, port: int) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return _in_turn([(family, str(address[0])) for family, _, _, _, address in found])


def _is_address(host: str) -> bool:
    """Whether there is nothing to look up, for which asyncio would start a thread."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _in_turn(found: list[tuple[socket.AddressFamily, str]]) -> list[str]:
    """Every address once, in the system's order, but the families alternating."""
    families = {family: [address for each, address in found if each == family] for family, _ in found}
    return list(dict.fromkeys(address for address in chain(*zip_longest(*families.values())) if address))


def _abandon(attempt: _Attempt) -> None:
    """It is too late for a connection."""
    if not attempt.cancelled() and attempt.exception() is None:
        attempt.result()[0].abort()
