"""A program at a pseudo-terminal, and somebody who reads the screen and types."""

import contextlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Self

if sys.platform != "win32":
    import pty

ASKING = """
import asyncio, json, sys
from kai_client import ToolCall, UIMessage, ask

async def main() -> None:
    message = UIMessage.from_dict({"id": "m", "role": "assistant", "parts": []})
    calls = [
        ToolCall(chat_id="c", tool_call_id="1", message=message, **fields) for fields in json.loads(sys.argv[1])
    ]
    for decision in await asyncio.gather(*(ask(call) for call in calls)):
        print(f"=> {decision!r}")

asyncio.run(main())
"""


class AskedAtTerminal:
    """Runs `ask` about some calls at a terminal of its own; it is killed if the block ends before it does."""

    def __init__(self, calls: str, folder: Path) -> None:
        self._master, slave = pty.openpty()
        script = folder / "asking.py"
        script.write_text(ASKING)
        self._process = subprocess.Popen(
            [sys.executable, "-W", "error", str(script), calls],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            cwd=folder,
            start_new_session=True,
        )
        os.close(slave)
        self.raw = b""
        self._read = 0

    def expect(self, text: str) -> None:
        """Read until `text` comes after what was expected before."""
        while (found := self.raw.find(text.encode(), self._read)) < 0:
            assert self._more(), f"{text!r} never came: {self.raw!r}"
        self._read = found + len(text.encode())

    def type(self, text: str) -> None:
        """Type; U+0004 is Ctrl-D."""
        os.write(self._master, text.encode())

    def wait(self) -> int:
        """Read to the end; the exit status."""
        while self._more():
            pass
        return self._process.wait()

    def _more(self) -> bool:
        try:
            piece = os.read(self._master, 4096)
        except OSError:  # Linux says so when the last program has left the terminal
            piece = b""
        self.raw += piece
        return bool(piece)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait()
        os.close(self._master)
