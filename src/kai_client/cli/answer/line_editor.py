"""Where the messages of a conversation come from: a line editor with a history, or plain lines where there can be none."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from kai_client.cli.prompt import can_redraw, read_line

if TYPE_CHECKING:
    from prompt_toolkit.key_binding import KeyBindings
    from prompt_toolkit.key_binding.key_processor import KeyPressEvent

__all__ = ["Lines", "open_lines"]

_PROMPT: Final = "> "


class Lines(Protocol):
    """Messages as they are typed."""

    async def read(self) -> str | None:
        """The next message, None at the end of the input. Raises `KeyboardInterrupt` for a Ctrl-C on an empty line."""
        ...


def open_lines(commands: dict[str, str], history: Path | None) -> Lines:
    """The line editor, which completes `commands` and keeps what was typed in `history`; plain lines without it."""
    if not can_redraw():
        return _PlainLines()
    try:
        return _EditedLines(commands, history)
    except ModuleNotFoundError:
        return _PlainLines()


class _PlainLines:
    async def read(self) -> str | None:
        return read_line(_PROMPT)


class _EditedLines:
    """Enter sends, Alt-Enter begins a new line, the arrow keys go through what was sent before.

    It draws on stderr: stdout is the answer's.
    """

    def __init__(self, commands: dict[str, str], history: Path | None) -> None:
        from prompt_toolkit import PromptSession  # noqa: PLC0415 - an extra, slow to import, and only for people
        from prompt_toolkit.completion import WordCompleter  # noqa: PLC0415
        from prompt_toolkit.history import FileHistory, InMemoryHistory  # noqa: PLC0415
        from prompt_toolkit.output import create_output  # noqa: PLC0415

        names = list(commands)
        completer = WordCompleter(names, meta_dict=dict(commands), sentence=True)
        self._session: PromptSession[str] = PromptSession(
            _PROMPT,
            history=InMemoryHistory() if history is None else FileHistory(_private(history)),
            completer=completer,
            complete_while_typing=False,
            key_bindings=_bindings(),
            output=create_output(stdout=sys.stderr),
            enable_history_search=True,
        )

    async def read(self) -> str | None:
        while True:
            try:
                return await self._session.prompt_async()
            except EOFError:
                return None
            except KeyboardInterrupt:
                if not self._session.default_buffer.text:
                    raise  # else it has thrown the line away, as in a shell


def _bindings() -> "KeyBindings":
    from prompt_toolkit.key_binding import KeyBindings  # noqa: PLC0415

    bindings = KeyBindings()

    @bindings.add("escape", "enter")
    def _new_line(event: "KeyPressEvent") -> None:
        event.current_buffer.insert_text("\n")

    return bindings


def _private(path: Path) -> str:
    """The path of a file that only its owner can read: messages may hold anything."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    path.touch(mode=0o600, exist_ok=True)
    return str(path)
