"""The policy that asks whoever sits at the terminal."""

import asyncio
import json
import sys
import threading
from typing import IO, Any
from weakref import WeakKeyDictionary

from kai_client._text import visible

from .decisions import NO, YES, Decision, Denial, ToolCall

__all__ = ["ask"]

_NOBODY = Denial(reason="Nobody can be asked here.")
_LOCKS: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Lock] = WeakKeyDictionary()
"""One question at a time: there is one terminal."""


async def ask(call: ToolCall[Any], /) -> Decision:
    """Shows the call with all its arguments on stderr and reads the answer from stdin; where neither is a terminal, denies.

    `y` approves, `n` or nothing denies, and any other answer denies with these words as the reason, which the model is told.
    The end of the input denies.
    """
    if not (_is_terminal(sys.stdin) and _is_terminal(sys.stderr)):
        return _NOBODY
    loop = asyncio.get_running_loop()
    async with _LOCKS.setdefault(loop, asyncio.Lock()):
        sys.stderr.write(f"{_question(call)}\nAllow it? [y/N, or why not] ")
        sys.stderr.flush()
        line = await _read_line(loop)
    answer = line.strip()
    if answer.lower() in {"y", "yes"}:
        return YES
    return NO if answer.lower() in {"", "n", "no"} else Denial(reason=answer)


def _question(call: ToolCall[Any]) -> str:
    """The call whole, with nothing invisible in it: nobody can decide about half of a query."""
    arguments = json.dumps(call.input, ensure_ascii=False, indent=2, default=str)
    shown = "\n".join(visible(line) for line in arguments.split("\n"))
    reason = f" ({visible(call.request_reason)})" if call.request_reason else ""
    return f"Kai wants to run {visible(call.tool_name) or 'a tool without a name'}{reason}: {shown}"


async def _read_line(loop: asyncio.AbstractEventLoop) -> str:
    """A line of stdin, empty at its end. Cancelling it leaves no thread behind where the system can wait for a terminal."""
    line: asyncio.Future[str] = loop.create_future()

    def settle(text: str) -> None:
        if not line.done():
            line.set_result(text)

    try:
        loop.add_reader(sys.stdin.fileno(), lambda: settle(sys.stdin.readline()))
    except NotImplementedError:  # Windows
        reader = threading.Thread(
            target=lambda: loop.call_soon_threadsafe(settle, sys.stdin.readline()), name="kai-ask", daemon=True
        )
        reader.start()
        return await line
    try:
        return await line
    finally:
        loop.remove_reader(sys.stdin.fileno())


def _is_terminal(stream: IO[str] | None) -> bool:
    return stream is not None and stream.isatty()
