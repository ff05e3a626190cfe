"""Something that moves while nothing has arrived."""

import asyncio
import itertools
import sys
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Final

from .output import Output

__all__ = ["spinning"]

_SECONDS: Final = 0.1
_FRAMES: Final = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏"
_PLAIN: Final = "|/-\\"


@asynccontextmanager
async def spinning(output: Output, label: Callable[[], str]) -> AsyncGenerator[None]:
    """During the block the output's status turns, as long as `label` says something; nothing where none can be shown."""
    if not output.has_status:
        yield
        return
    turning = asyncio.create_task(_turn(output, label))
    try:
        yield
    finally:
        turning.cancel()
        with suppress(asyncio.CancelledError):
            await turning
        output.clear_status()


async def _turn(output: Output, label: Callable[[], str]) -> None:
    encoding = (sys.stderr.encoding or "").lower().replace("-", "")
    for frame in itertools.cycle(_FRAMES if encoding == "utf8" else _PLAIN):
        await asyncio.sleep(_SECONDS)
        if text := label():
            output.status(f"{frame} {text}")
        else:
            output.clear_status()
