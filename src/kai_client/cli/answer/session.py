"""A conversation at the terminal: messages, answers, and the commands that begin with a slash."""

import asyncio
import signal
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from kai_client import KaiClient, KaiError
from kai_client.cli.exit_codes import ExitCode, Failure
from kai_client.cli.failures import explain, failure_chain
from kai_client.cli.setup.files import write_whole

from .conversation import Conversation
from .line_editor import Lines

__all__ = ["COMMANDS", "Session"]

COMMANDS: Final = {
    "/help": "show these commands",
    "/new": "start another chat",
    "/retry": "send the last message again",
    "/approve": "run a tool without asking: /approve NAME, all, or none",
    "/save": "write this conversation as Markdown: /save FILE",
    "/exit": "leave, as Ctrl-D does",
}
_HINT: Final = "Ctrl-C again, or Ctrl-D, to leave."


class Session:
    """One conversation after the other, with one person."""

    def __init__(self, conversation: Conversation, lines: Lines, *, debug: bool) -> None:
        self._conversation = conversation
        self._output = conversation.output
        self._lines = lines
        self._debug = debug
        self._said: list[tuple[str, str]] = []
        self._last: str | None = None
        self._interrupted = False

    async def talk(self) -> None:
        """Until somebody leaves; an answer that fails ends nothing. Raises `KeyboardInterrupt` for two Ctrl-C in a row."""
        while True:
            try:
                line = await self._lines.read()
            except KeyboardInterrupt:
                if self._interrupted:
                    raise
                self._interrupted = True
                self._output.note(_HINT, dim=True)
                continue
            if line is None:
                return
            self._interrupted = False
            if not (text := line.strip()):
                continue
            if not text.startswith("/"):
                await self._send(line)
            elif not await self._command(*text.split(maxsplit=1)):
                return

    async def _command(self, name: str, argument: str = "") -> bool:
        """Obey; whether the conversation goes on."""
        match name:
            case "/exit" | "/quit":
                return False
            case "/help":
                self._output.block("\n".join(f"{command:10}{meaning}" for command, meaning in COMMANDS.items()))
                self._output.note("Alt-Enter begins a new line; Ctrl-C stops an answer.", dim=True)
            case "/new":
                self._conversation.chat_id = KaiClient.new_chat_id()
                self._said.clear()
                self._output.note(f"chat {self._conversation.chat_id}", dim=True)
            case "/retry" if self._last is not None:
                await self._send(self._last)
            case "/retry":
                self._output.note("Nothing was sent yet.", fg="yellow")
            case "/approve":
                self._approve(argument)
            case "/save":
                self._save(argument)
            case _:
                self._output.note(f"There is no command {name}; /help lists them.", fg="yellow")
        return True

    def _approve(self, argument: str) -> None:
        rules = self._conversation.rules
        match argument:
            case "":
                pass
            case "all":
                rules.everything = True
            case "none":
                rules.everything = False
                rules.tools.clear()
            case name:
                rules.tools.add(name)
        names = "every tool" if rules.everything else ", ".join(sorted(rules.tools)) or "no tool"
        self._output.note(f"{names[0].upper()}{names[1:]} runs without asking.", dim=True)

    def _save(self, argument: str) -> None:
        if not argument:
            self._output.note("Where to? /save FILE", fg="yellow")
            return
        path = Path(argument).expanduser()
        if path.exists():
            self._output.note(f"{path} is there already; choose another name.", fg="yellow")
            return
        try:
            write_whole(path, "\n".join(f"## You\n\n{asked}\n\n## Kai\n\n{told}\n" for asked, told in self._said))
        except OSError as error:
            self._output.note(f"Not saved: {error.strerror or error}", fg="yellow")
            return
        self._output.note(f"Saved to {path}.", dim=True)

    async def _send(self, text: str) -> None:
        """An answer, which Ctrl-C stops."""
        self._last = text
        answering = asyncio.create_task(self._conversation.send(text))
        try:
            async with _stopped_by_interrupt(answering):
                self._said.append((text, await answering))
        except asyncio.CancelledError:
            if (this := asyncio.current_task()) is not None and this.cancelling():
                raise  # it is the session that ends
            self._interrupted = True
            self._output.note("Stopped.", fg="yellow")
        except (KaiError, Failure) as error:
            self._explain(error)
        self._output.block("")

    def _explain(self, error: Exception) -> None:
        if isinstance(error, Failure) and error.code is ExitCode.INTERRUPTED:
            self._interrupted = True
            self._output.note("Stopped.", fg="yellow")
            return
        if isinstance(error, Failure) and error.code is ExitCode.APPROVAL:
            return  # who said no knows it
        if self._debug:
            self._output.block(failure_chain(error, self._output.secret))
        self._output.note(f"Error: {explain(error, self._output.secret)}", fg="red")


@asynccontextmanager
async def _stopped_by_interrupt(answering: asyncio.Task[str]) -> AsyncGenerator[None]:
    """During the block Ctrl-C cancels the answer; a second one is a `KeyboardInterrupt`, in case that takes long."""
    loop = asyncio.get_running_loop()

    def stop() -> None:
        if not answering.cancel() or answering.cancelling() > 1:
            raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    try:
        loop.add_signal_handler(signal.SIGINT, stop)
    except (NotImplementedError, RuntimeError):  # Windows, or not in the main thread: Ctrl-C leaves
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, before)
