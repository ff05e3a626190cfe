"""The network stack of every client that was given none: httpx and httpcore, over asyncio's own sockets."""

from .client import AsyncioClient

__all__ = ["AsyncioClient"]
