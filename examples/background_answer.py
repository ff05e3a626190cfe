"""An answer that a thread reads, for pages whose own code comes and goes with every click, such as Streamlit's.

The page looks at it as often as it likes, and brings the decisions about tool calls; nothing here knows what draws it.
"""

from concurrent.futures import CancelledError, Future, InvalidStateError
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Thread
from typing import Final

from kai_client import KaiError, ToolCall, UIMessage
from kai_client.sync import KaiClient

PATIENCE: Final = 600.0
"""Seconds that a tool call waits for a decision before it is left pending, and the connection closed."""

RUNNING: Final[dict[str, "Answer"]] = {}
"""The answers that are being written, by chat: a page that was loaded again finds its own."""


@dataclass(frozen=True, eq=False)
class Question:
    """A tool call that waits, and the click that decides about it."""

    call: ToolCall
    click: Future[bool] = field(default_factory=Future[bool])

    def decide(self, approved: bool) -> None:
        """The first click counts."""
        with suppress(InvalidStateError):
            self.click.set_result(approved)


class Answer:
    """The answer to `text`; without one, the rest of `message`, an answer of kai-assistant that was left pending.

    `before` is the chat so far. `message` grows until `is_over`; `error` then says what went wrong.
    """

    def __init__(
        self,
        client: KaiClient,
        chat_id: str,
        text: str | None,
        before: list[UIMessage],
        message: UIMessage | None = None,
    ) -> None:
        self.before = before
        self.message = message
        self.error: KaiError | None = None
        self._asked: Question | None = None
        self._stopped = False
        self._stream = client.run(chat_id, text, approve=self._ask, recover=True)
        self._chat_id = chat_id
        self._thread = Thread(target=self._read, name=f"answer in {chat_id}", daemon=True)
        RUNNING[chat_id] = self
        self._thread.start()

    @property
    def question(self) -> Question | None:
        """What waits for a decision now."""
        asked = self._asked
        return asked if asked is not None and not asked.click.done() else None

    @property
    def is_over(self) -> bool:
        """Nothing changes any more, and the connection was given back."""
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Close the connection, from whichever thread; what has arrived stays."""
        self._stopped = True
        self._stream.close()
        if self._asked is not None:
            self._asked.click.cancel()

    def _read(self) -> None:
        try:
            with self._stream:
                for message in self._stream.updates():
                    self.message = message
        except KaiError as error:
            self.error = None if self._stopped else error
        finally:
            if RUNNING.get(self._chat_id) is self:
                del RUNNING[self._chat_id]

    def _ask(self, call: ToolCall) -> bool | None:
        """The policy of the run. None, when nobody decides, leaves the call pending and ends the stream."""
        self._asked = question = Question(call)
        try:
            return None if self._stopped else question.click.result(PATIENCE)
        except (TimeoutError, CancelledError):
            return None
        finally:
            question.click.cancel()
