"""What is wrong with a token: by its looks, and by what the Storage API says of it (protocol 1.5)."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from kai_client.cli.exit_codes import Failure
from kai_client.cli.terminal import one_line
from kai_client.exceptions import KaiError
from kai_client.transport.tokens import TokenInfo

__all__ = ["asking_storage", "token_facts", "token_problem", "token_warnings"]

_SOMETHING_ELSE: Final = {301, 302, 303, 307, 308, 404, 405}
_BEARER: Final = ("kbc_at_", "kbc_pat_")
_QUOTES: Final = frozenset("\"'`\u2018\u2019\u201c\u201d")
_LABELS: Final = ("bearer ", "storage_api_token", "x-storageapi-token")


@contextmanager
def asking_storage(url: str) -> Generator[None]:
    """What answers here should be a Storage API: a `Failure` says so where it is something else."""
    try:
        yield
    except KaiError as error:
        if error.status_code in _SOMETHING_ELSE or error.code == "response:not_json":
            raise Failure(f"There is no Storage API at {url}: {error} - check --url") from error
        raise


def token_problem(token: str) -> str | None:
    """Why this cannot be a Storage API token, without quoting it; None for one that can. White space around it is no matter."""
    text = token.strip()
    bearer = next((prefix for prefix in _BEARER if text.startswith(prefix)), None)
    if bearer is not None:
        return (
            f"what begins with {bearer} is a bearer token; Kai needs a Storage API token, and of those a master token "
            "(in the project: Settings, API tokens)"
        )
    problems = (
        (not text, "it is empty"),
        (text[:1] in _QUOTES or text[-1:] in _QUOTES, "there are quotes around it: leave them out"),
        (text.lower().startswith(_LABELS), "something stands before it: only the token itself"),
        (any(map(str.isspace, text)), "there is a space or a newline in it: was more than the token copied?"),
        (not (text.isascii() and text.isprintable()), "it has characters that no token has: copy it again"),
    )
    return next((problem for wrong, problem in problems if wrong), None)


def token_facts(info: TokenInfo) -> str:
    """Whose it is, on one line."""
    project = f"project {info.owner.name or '?'} ({info.owner.id or '?'})"
    role = f", {info.admin.role}" if info.admin is not None and info.admin.role else ""
    expires = f", expires {info.expires:%Y-%m-%d}" if info.expires is not None else ""
    return one_line(f"{project}: {info.description or 'token ' + info.id}{role}{expires}")


def token_warnings(info: TokenInfo) -> list[str]:
    """Why Kai may refuse it all the same."""
    found: list[str] = []
    if info.is_expired:
        found.append("The token has expired: make a new one and log in again.")
    if info.is_disabled:
        found.append("The token is disabled.")
    if not info.is_master_token:
        found.append("It is not a master token, and Kai needs one: it may answer 401 or 403.")
    return found
