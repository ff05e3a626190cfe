"""A running local server, as a test sees it: what it answers, how it fails, what it was sent."""

from collections.abc import Generator, Iterable
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from .thread import ServerThread

if TYPE_CHECKING:  # FastAPI and uvicorn are loaded when a server is wanted, not when pytest loads its plugins
    from kai_client.client import KaiClient
    from kai_client.client.connect import PendingClient
    from kai_client.models import Suggestion
    from kai_client.server import KaiApp, RecordedRequest, ScriptedKai, StagedResponse, StorageIndex, WireStyle
    from kai_client.server.turn import TurnSpec
    from kai_client.sync import KaiClient as SyncKaiClient

    from .hiding import Redact
    from .recording import RecordingProxy
    from .replaying import Replay
    from .sent import SentDecision, SentMessage, SentVote

__all__ = ["TOKEN", "KaiServer", "running_server", "serving"]

TOKEN: Final = "test-token"  # noqa: S105 - any token will do
_APP_OPTIONS: Final = frozenset({"tokens", "style", "index", "record"})


class KaiServer:
    """A local server that runs: `running_server` and the fixture `kai_server` start and stop one."""

    def __init__(self, url: str, kai: "ScriptedKai", app: "KaiApp", *, token: str, strict: bool) -> None:
        self.url = url
        """The Storage API URL for discovery, and the base URL of Kai as well."""
        self.token = token
        """A token that it accepts."""
        self.kai = kai
        """What answers."""
        self.app = app
        self._strict = strict
        self.source: Replay | RecordingProxy | None = None
        """What answers in the place of `kai`."""

    @property
    def env(self) -> dict[str, str]:
        """The environment in which `KaiClient.from_env()` and the command `kai` find this server."""
        return {"STORAGE_API_TOKEN": self.token, "STORAGE_API_URL": self.url}

    def client(self, **options: Any) -> "PendingClient[KaiClient]":
        """`async with server.client() as client`: found through discovery; the options are those of `from_storage_api`."""
        from kai_client.client import KaiClient  # noqa: PLC0415 - see above

        return KaiClient.from_storage_api(self.token, self.url, **options)

    def sync_client(self, **options: Any) -> "SyncKaiClient":
        """`with server.sync_client() as client`: the blocking one."""
        from kai_client.sync import KaiClient  # noqa: PLC0415 - see above

        return KaiClient.from_storage_api(self.token, self.url, **options)

    def reply(self, *turn: "TurnSpec", when: str | None = None) -> None:
        """Answer the next message that has no answer yet, or every message in which `when` is found (a regular expression).

        The words are those of `kai_client.server`: `say`, `call`, `ask`, `think`, `usage`, `finish`, `fail`; a text is said.
        """
        self.kai.reply(*turn, when=when)

    def suggest(self, *suggestions: "str | Suggestion", context: str | None = None) -> None:
        """What `get_suggestions` returns from now on, for one context or for all."""
        self.kai.suggest(*suggestions, context=context)

    def next_stream(self, style: "WireStyle | None" = None, **changes: Any) -> None:
        """The next stream looks like this: `next_stream(drop_after=3)`; the fields are those of `WireStyle`."""
        self.app.next_stream(style, **changes)

    def next_response(self, status: int | None = None, **fields: Any) -> None:
        """The next request gets this: `next_response(503, retry_after=1)`; the fields are those of `StagedResponse`."""
        self.app.next_response(status, **fields)

    @property
    def index(self) -> "StorageIndex":
        """What discovery finds from now on; may be set."""
        return self.app.index

    @index.setter
    def index(self, index: "StorageIndex") -> None:
        self.app.index = index

    def replay(self, path: str | Path, *, redact: "Redact | None" = None) -> None:
        """Answer from a recording, and nothing else, from now on; see `record`.

        Raises `KaiConfigError` for a file that is missing or no recording.
        """
        from .replaying import Replay  # noqa: PLC0415 - see above

        self.answer_from(Replay(Path(path), self.app.hub.take_style, redact))

    def answer_from(self, source: "Replay | RecordingProxy") -> None:
        """Answer all requests by this, but for those that `next_response` is for."""
        self.source = self.app.stand_in = source

    @property
    def requests(self) -> "list[RecordedRequest]":
        """All that clients sent so far, oldest first, discovery too; tokens are left out."""
        return self.app.requests

    @property
    def asked(self) -> list[str]:
        """The texts of the user's messages, oldest first."""
        return [message.text for message in self.messages]

    @property
    def messages(self) -> "list[SentMessage]":
        """The user's messages, oldest first, as often as they were sent."""
        from .sent import messages  # noqa: PLC0415 - see above

        return messages(self.requests)

    @property
    def decisions(self) -> "list[SentDecision]":
        """What was decided about tool calls, oldest first."""
        from .sent import calls_in, decisions  # noqa: PLC0415 - see above

        texts = self.source.texts() if self.source is not None else ()
        calls = [*self.app.hub.calls, *(call for text in texts for call in calls_in(text))]
        return decisions(self.requests, calls)

    @property
    def votes(self) -> "list[SentVote]":
        """The votes, oldest first."""
        from .sent import votes  # noqa: PLC0415 - see above

        return votes(self.requests)

    def check(self) -> None:
        """Raise `AssertionError` for what was asked for and is not scripted or recorded, and for what is and was not asked for.

        The fixture does so when the test has passed, `running_server` when its block is left without an error.
        """
        if problems := self.problems():
            raise AssertionError("\n".join(problems))

    def problems(self) -> list[str]:
        """What `check` would raise, a sentence each."""
        return list(self._problems())

    def _problems(self) -> Iterable[str]:
        if self.source is not None:
            yield from self.source.problems()
        elif self._strict:
            yield from self._not_as_scripted()

    def _not_as_scripted(self) -> Iterable[str]:
        for question in self.kai.unanswered:
            missed = f" No `when` is found in it: {self.kai.patterns}." if self.kai.patterns else ""
            yield f'Nothing was scripted for this message: {question.text!r}.{missed} Script it: kai_server.reply("...")'
        if self.kai.remaining:
            yield f"Nobody asked for {self.kai.remaining} of the scripted replies. Messages that came: {self.asked}"
        for style in self.app.hub.next_styles:
            yield f"No stream came for next_stream({_changed(style)})"
        for staged in self.app.hub.next_responses:
            yield f"No request came for next_response({_changed(staged)})"

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.url}>"


def _changed(staged: "WireStyle | StagedResponse") -> str:
    """The arguments that made it: the fields that are not as they come."""
    values = ((each, getattr(staged, each.name)) for each in fields(staged))
    return ", ".join(f"{each.name}={value!r}" for each, value in values if value not in (each.default, {}))


@contextmanager
def running_server(
    kai: "ScriptedKai | None" = None,
    *,
    sample: bool = False,
    mode: Literal["agent", "assistant"] = "agent",
    **options: Any,
) -> Generator[KaiServer]:
    """A local server on a free port, until the block is left. Needs the extra `server`.

    What is not scripted fails, and so does the end of the block (`KaiServer.check`). With `sample` the built-in assistant
    over the sample project answers what is not scripted, and nothing is checked; nor is a `kai` of your own.
    The `options` are those of `ScriptedKai` and `kai_app`.
    """
    with serving(kai, sample=sample, mode=mode, **options) as server:
        yield server
        server.check()


@contextmanager
def serving(
    kai: "ScriptedKai | None" = None,
    *,
    sample: bool = False,
    mode: Literal["agent", "assistant"] = "agent",
    **options: Any,
) -> Generator[KaiServer]:
    """`running_server` without the check."""
    from kai_client.server import ScriptedKai, kai_app  # noqa: PLC0415 - see above

    for_app = {name: options.pop(name) for name in _APP_OPTIONS & options.keys()}
    strict = kai is None and not sample
    if kai is None:
        script = options.pop("script", None)
        kai = ScriptedKai([] if script is None and strict else script, **options)
    else:
        for_app |= options
    app = kai_app(kai, mode=mode, **for_app)
    token = next(iter(for_app.get("tokens") or ()), TOKEN)
    thread = ServerThread(app)
    thread.start()
    try:
        yield KaiServer(thread.url.result(), kai, app, token=token, strict=strict)
    finally:
        thread.stop()
