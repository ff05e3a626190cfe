"""httpx's client over aiohttp's connections: a stream that comes token by token costs a third of httpx's own stack.

Importing this needs the extra `fast`. Whatever happens looks as it does there: the bytes of a request, the exceptions, the
timeouts, the proxies of the environment. httpx's stack says by its exceptions what our retries depend on: whether a request
may have been sent. Here that is decided by the place where something failed, not by aiohttp's class for it.
"""

from typing import Final

import aiohttp

_OLDEST: Final = (3, 13)
"""Before it aiohttp does not wait for its connections to be closed."""

if tuple(map(int, aiohttp.__version__.split(".")[:2])) < _OLDEST:
    raise ImportError(f"aiohttp {aiohttp.__version__} is too old, {_OLDEST[0]}.{_OLDEST[1]} is needed")

from .client import AiohttpClient  # noqa: E402 - what is imported there may not be in an older one

__all__ = ["AiohttpClient"]
