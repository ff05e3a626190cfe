"""How a command ends when it does not end well: an exit status, and one line that says what happened and what to do."""

import asyncio
import traceback
from typing import Final

from kai_client.exceptions import (
    KaiAuthenticationError,
    KaiBadRequestError,
    KaiConfigError,
    KaiConnectionError,
    KaiError,
    KaiForbiddenError,
    KaiNotFoundError,
    KaiRateLimitError,
    KaiServerError,
    KaiStreamError,
    KaiTimeoutError,
)

from .exit_codes import ExitCode, Failure
from .terminal import ShownText, one_line, short

__all__ = ["exit_code", "explain", "failure_chain"]

_ANSWERED: Final = ("stream:error", "stream:aborted", "stream:finish_error")
"""Streams that arrived whole, and said that the answer failed."""

_LINE: Final = 500
"""How much of an error's own text the line holds: a service may send a page."""

_NO_KAI: Final = "check --url and --base-url: there is no Kai, or none that can do this"

_KINDS: Final[tuple[tuple[type[Exception], ExitCode, str], ...]] = (
    (KaiAuthenticationError, ExitCode.AUTHENTICATION, "check the token (--token) and that it is of this stack (--url)"),
    (KaiForbiddenError, ExitCode.AUTHENTICATION, "the chat is another user's, or Kai is off for this token or project"),
    (KaiRateLimitError, ExitCode.RATE_LIMIT, "the quota is used up for now: try again later"),
    (KaiNotFoundError, ExitCode.FAILURE, "check the id: `kai history` lists your chats"),
    (KaiBadRequestError, ExitCode.FAILURE, "check the arguments: a chat id, for one, must be a UUID"),
    (KaiServerError, ExitCode.FAILURE, "the service has a problem: try again later"),
    (KaiConnectionError, ExitCode.NETWORK, "check the URL, the network and the proxy settings"),
    (KaiTimeoutError, ExitCode.NETWORK, "try again"),
    (KaiStreamError, ExitCode.NETWORK, "the answer is not whole: ask again"),
    (KaiConfigError, ExitCode.USAGE, "see `kai --help`"),
    (ImportError, ExitCode.FAILURE, 'install all of it: pip install "kai-client[all]"'),
)
"""Class, exit status, advice; the first that fits."""


def exit_code(error: BaseException) -> ExitCode:
    """The exit status that `error` stands for."""
    match error:
        case Failure():
            return error.code
        case KeyboardInterrupt() | asyncio.CancelledError():
            return ExitCode.INTERRUPTED
        case BrokenPipeError():
            return ExitCode.BROKEN_PIPE
        case KaiStreamError(code=code) if code in _ANSWERED or not (code or "").startswith("stream:"):
            return ExitCode.FAILURE
        case _:
            return next((code for kind, code, _ in _KINDS if isinstance(error, kind)), ExitCode.FAILURE)


def explain(error: BaseException, secret: str | None) -> str:
    """The one line, without the secret; empty where nobody is left to read it."""
    match error:
        case BrokenPipeError():
            return ""
        case KeyboardInterrupt():
            return "Interrupted"
        case Failure():
            return one_line(str(error), secret)
        case KaiError():
            text, advice = str(error), _advice(error)
        case _:
            text, advice = (
                f"{type(error).__name__}: {error}".rstrip(": "),
                _advice(error) or "`kai --debug` shows where",
            )
    line = short(one_line(text, secret), _LINE).rstrip(".")
    return f"{line} - {advice}" if advice else line


def failure_chain(error: BaseException, secret: str | None) -> str:
    """For `--debug`: the traceback with all causes, without the secret."""
    shown = ShownText(secret)
    return shown.feed("".join(traceback.format_exception(error))) + shown.flush()


def _advice(error: BaseException) -> str | None:
    if isinstance(error, KaiError):
        if error.retry_after is not None:
            return f"try again in {error.retry_after:.0f} s"
        if (error.code or "").startswith("discovery:") and error.status_code is None:
            return "check --url and --service"
        if isinstance(error, KaiNotFoundError) and not _misses_something(error.code or ""):
            return _NO_KAI
    return next((advice for kind, _, advice in _KINDS if isinstance(error, kind)), None)


def _misses_something(code: str) -> bool:
    """Whether a 404 is Kai's word about a chat or another thing with an id; else it is about the URL."""
    return code.partition(":")[0] in {"not_found", "approval"} and code != "not_found:api"
