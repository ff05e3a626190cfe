"""`ScriptedKai`: a Kai that needs no model. It plays a script, or the built-in assistant over the sample project."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

from kai_client.events import SSEEvent
from kai_client.models import ApprovalResponse, Message, Suggestion, SuggestionsResponse, ToolInfo
from kai_client.types import JsonObject

from .answer import Answer, Rhythm, ScriptedAnswer
from .host import LocalHost
from .player import Player
from .records import Cursor
from .restrictions import judge
from .sample.assistant import answer as sample_answer
from .sample.project import SampleProject
from .sample.tools import CATALOGUE
from .script import Item, fail
from .service import Caller, IncomingMessage
from .suggestions import suggestion_of
from .turn import Question, Turn, TurnSpec, scripted_calls

__all__ = ["ScriptedKai", "When", "when"]


@dataclass(frozen=True, slots=True)
class When:
    """A turn that answers every message in which the pattern is found; `when` makes one."""

    pattern: str
    turn: TurnSpec


def when(pattern: str, *turn: TurnSpec) -> When:
    """In a script: answer every message in which the regular expression is found, ignoring case, with this turn."""
    return When(pattern, _one(turn))


_LOCAL: Final = Caller(token="local")  # noqa: S106 - the user of calls that come without HTTP


class ScriptedKai(LocalHost):
    """A Kai on this machine, for tests, demonstrations and work without a network.

    Without a `script` it is the built-in assistant. With one, each message takes the turn of the first `when(...)` that
    matches, else the next turn in order; when there is none left, the answer is an error that says so. `reply` adds
    turns to either.

    `pace` is the pause between two chunks in seconds. `approval_timeout` is how long an open stream waits for a decision.
    `tools` adds to the catalogue of `get_tools`, which also has every call that the script's lists contain. `db`, `quota`
    and `cursor` are those of `LocalHost`.

    Pass it to `kai_app`, or use it in-process: it is a `ChatBackend` itself.
    """

    def __init__(
        self,
        script: Sequence[TurnSpec | When] | None = None,
        *,
        db: str | Path = ":memory:",
        pace: float = 0.0,
        approval_timeout: float = 300.0,
        quota: int = 150,
        cursor: Cursor = "list",
        tools: Sequence[ToolInfo] = (),
    ) -> None:
        super().__init__(db=db, quota=quota, cursor=cursor)
        self.rhythm: Rhythm = Rhythm(pace, approval_timeout)
        self._turns: list[TurnSpec] = []
        self._patterns: list[tuple[re.Pattern[str], TurnSpec]] = []
        self._fallback: TurnSpec = sample_answer if script is None else self._over
        self.unanswered: list[Question] = []
        """The messages that the script had no turn for, oldest first."""
        self._suggestions: dict[str | None, list[Suggestion]] = {}
        self._catalogue = {tool.name: tool for tool in (*CATALOGUE, *tools)}
        self._projects: dict[str, SampleProject] = {}
        for turn in script or ():
            if isinstance(turn, When):
                self.reply(turn.turn, when=turn.pattern)
            else:
                self.reply(turn)

    def reply(self, *turn: TurnSpec, when: str | None = None) -> None:
        """Answer the next message that has no turn yet, or every message in which `when` is found, with this turn.

        `kai.reply("Hello")`; `kai.reply(call("get_tables", output=[]), say("None."))`;
        `kai.reply("Hi Ada", when="my name is ada")`.
        """
        spec = _one(turn)
        for call in scripted_calls(spec):
            known = ToolInfo(name=call.tool, description="A tool of the script.", read_only=not call.approval)
            self._catalogue.setdefault(call.tool, known)
        if when is None:
            self._turns.append(spec)
        else:
            self._patterns.append((re.compile(when, re.IGNORECASE), spec))

    def suggest(self, *suggestions: str | Suggestion, context: str | None = None) -> None:
        """What `get_suggestions` returns from now on, for one context or for all; a text is the label and the prompt."""
        self._suggestions[context] = [suggestion_of(each, rank) for rank, each in enumerate(suggestions, 1)]

    def suggestions(self, context: str, data: Mapping[str, Any]) -> SuggestionsResponse:
        """Those that `suggest` named, else three fixed ones."""
        given = self._suggestions.get(context, self._suggestions.get(None))
        if given is None:
            return super().suggestions(context, data)
        return SuggestionsResponse(suggestions=given, suggestion_session_id=str(uuid4()))

    @property
    def patterns(self) -> list[str]:
        """The regular expressions that have replies."""
        return [pattern.pattern for pattern, _ in self._patterns]

    @property
    def remaining(self) -> int:
        """How many turns in order are left; 0 when the script was played to its end."""
        return len(self._turns)

    def project(self, caller: Caller) -> SampleProject:
        """The caller's own copy of the sample project."""
        found = self._projects.get(caller.user_id)
        if found is None:
            found = self._projects[caller.user_id] = SampleProject()
        return found

    def tools(self) -> Sequence[ToolInfo]:
        """The sample project's tools, and those of the script."""
        return list(self._catalogue.values())

    def open(
        self, caller: Caller, message: IncomingMessage, history: Sequence[Message], restrictions: JsonObject
    ) -> Answer:
        """The next turn, as this caller may see it."""
        records = self.records(caller)
        question = Question(
            text=message.text,
            chat_id=message.chat_id,
            history=history,
            project=self.project(caller),
            options=message.options,
            files=[part for part in message.parts if part.get("type") == "file"],
        )
        player = Player(
            Turn(self._take(message.text), question),
            lambda call: judge(call, records.permission(call.tool), restrictions, self._catalogue.get(call.tool)),
        )
        owner = (caller.user_id, message.chat_id)
        return ScriptedAnswer(player, mode=caller.mode, owner=owner, approvals=self.approvals, rhythm=self.rhythm)

    def _take(self, text: str) -> TurnSpec:
        for pattern, turn in self._patterns:
            if pattern.search(text):
                return turn
        return self._turns.pop(0) if self._turns else self._fallback

    def _over(self, question: Question) -> Item:
        self.unanswered.append(question)
        return fail(
            f"The script has no turn for this message: {question.text[:80]!r}", status=500, code="internal:chat"
        )

    def send_message(self, chat_id: str, text: str, **options: Any) -> AsyncIterator[SSEEvent]:
        """The answer, in-process and without HTTP, for a user named `local`; calls wait for `submit_approval`."""
        return self.for_user(_LOCAL).send_message(chat_id, text, **options)

    async def submit_approval(
        self, chat_id: str, tool_use_id: str, approved: bool, **decision: Any
    ) -> ApprovalResponse:
        """Decide about a call of a stream of `send_message`; the keywords are those of `KaiClient.submit_approval`."""
        return await self.for_user(_LOCAL).submit_approval(chat_id, tool_use_id, approved, **decision)


def _one(turn: Sequence[TurnSpec]) -> TurnSpec:
    """Items given one by one are a list."""
    if len(turn) == 1:
        return turn[0]
    items: list[Item | str] = []
    for part in turn:
        if callable(part):
            raise TypeError("A function is a whole turn: it cannot be one item of several.")
        items.extend([part] if isinstance(part, str) or not isinstance(part, Sequence) else part)
    return items
