"""How a node runs: from the environment, or given by name."""

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Final

from kai_client.exceptions import KaiConfigError

from .subjects import Station

__all__ = ["NodeSettings"]

_KAI: Final = ("STORAGE_API_TOKEN", "STORAGE_API_URL")


def _text(name: str, default: str = "") -> str:
    variable: Callable[[], str] = lambda: os.environ.get(name, default)  # noqa: E731 - read when settings are made
    return field(default_factory=variable, metadata={"variable": name})


def _number(name: str, default: float) -> float:
    def value() -> float:
        try:
            return float(os.environ.get(name) or default)
        except ValueError:
            return math.nan  # which __post_init__ finds, together with all that is wrong

    return field(default_factory=value, metadata={"variable": name})


def _count(name: str, default: int) -> int:
    def value() -> int:
        try:
            return int(os.environ.get(name) or default)
        except ValueError:
            return 0

    return field(default_factory=value, metadata={"variable": name})


@dataclass(frozen=True, kw_only=True)
class NodeSettings:
    """Where a node takes its jobs and leaves its answers, and how patient it is. Times are seconds.

    What is not given comes from the environment variable in brackets. Raises `KaiConfigError` that names every variable
    that is missing (`config:missing`) or has no value that can work (`config:invalid`); no value is quoted.
    """

    servers: str = _text("NATS_URL")
    """[NATS_URL] The broker, or several of a cluster with commas between; it may hold a password."""
    input: str = _text("KAI_NODE_INPUT")
    """[KAI_NODE_INPUT] The subject of the jobs, such as `kai.jobs`; see `kai_client.nats.node.subjects`."""
    output: str = _text("KAI_NODE_OUTPUT")
    """[KAI_NODE_OUTPUT] The next node's subject: answers go to `<output>.job.<id>`, failures to `<output>.error`."""
    name: str = _text("KAI_NODE_NAME")
    """[KAI_NODE_NAME] The durable consumer that all workers of this node share. By default the input's name."""
    credentials: str = _text("NATS_CREDS")
    """[NATS_CREDS] The file with the broker's credentials (`.creds`), where it wants some."""
    concurrency: int = _count("KAI_NODE_CONCURRENCY", 1)
    """[KAI_NODE_CONCURRENCY] How many jobs one worker does at a time."""
    max_pending: int = _count("KAI_NODE_MAX_PENDING", 1000)
    """[KAI_NODE_MAX_PENDING] How many jobs all workers together have, those that wait to be tried again included."""
    ack_wait: float = _number("KAI_NODE_ACK_WAIT", 30)
    """[KAI_NODE_ACK_WAIT] After so long without a sign of life the broker gives a worker's job to another one."""
    deliveries: int = _count("KAI_NODE_DELIVERIES", 5)
    """[KAI_NODE_DELIVERIES] How often a job is tried, crashes included, before it is reported as failed."""
    retry_delay: float = _number("KAI_NODE_RETRY_DELAY", 2)
    """[KAI_NODE_RETRY_DELAY] The pause before the second attempt, where Kai names none; it doubles, up to 100 times that."""
    quota_pause: float = _number("KAI_NODE_QUOTA_PAUSE", 60)
    """[KAI_NODE_QUOTA_PAUSE] The shortest pause after a rate limit (429) that does not say how long to wait."""
    job_timeout: float = _number("KAI_NODE_JOB_TIMEOUT", 1800)
    """[KAI_NODE_JOB_TIMEOUT] The longest that a job may take."""
    publish_timeout: float = _number("KAI_NODE_PUBLISH_TIMEOUT", 60)
    """[KAI_NODE_PUBLISH_TIMEOUT] How long to offer an answer to a broker that does not confirm it."""
    grace: float = _number("KAI_NODE_GRACE", 600)
    """[KAI_NODE_GRACE] How long to finish what runs, once the worker is told to stop (SIGTERM)."""
    duplicate_window: float = _number("KAI_NODE_DUPLICATE_WINDOW", 3600)
    """[KAI_NODE_DUPLICATE_WINDOW] Of streams that the node makes: how long a `Nats-Msg-Id` is remembered."""
    keep: float = _number("KAI_NODE_KEEP", 30 * 86400)
    """[KAI_NODE_KEEP] Of streams that the node makes: how long answers and failures stay."""

    def __post_init__(self) -> None:
        required = {"servers", "input", "output"}
        variables = {each.name: str(each.metadata["variable"]) for each in fields(self)}
        missing = [variables[name] for name in variables if name in required and not getattr(self, name)]
        if missing:
            raise _missing(missing)
        wrong = [f"{variables[name]} {why}" for name, why in _problems(self)]
        if wrong:
            raise KaiConfigError(f"Settings of the node that cannot work: {'; '.join(wrong)}", "config:invalid")

    @property
    def taken(self) -> Station:
        """The input."""
        return Station(self.input)

    @property
    def left(self) -> Station:
        """The output."""
        return Station(self.output)

    @property
    def durable(self) -> str:
        """The consumer's name."""
        return self.name or self.taken.token

    def backoff(self, attempt: int) -> float:
        """Seconds before a job is tried again after this attempt (1, 2 ...), where nobody says how long to wait."""
        return float(self.retry_delay * min(2 ** (min(attempt, 10) - 1), 100))

    def __repr__(self) -> str:
        return f"{type(self).__name__}(input={self.input!r}, output={self.output!r}, name={self.durable!r})"


def _missing(names: list[str]) -> KaiConfigError:
    """Of Kai's own variables, too: who lacks one learns of all at once."""
    kai = [name for name in _KAI if not os.environ.get(name)]
    more = f" (and {' and '.join(kai)}, unless kai= is given)" if kai else ""
    return KaiConfigError(f"Set {', '.join(names)} in the environment{more}", "config:missing")


def _problems(settings: NodeSettings) -> list[tuple[str, str]]:
    """The fields that cannot work, and why."""
    found: list[tuple[str, str]] = []
    for each in fields(settings):
        value: object = getattr(settings, each.name)
        if isinstance(value, int | float) and not (0 < value < math.inf):
            found.append((each.name, "must be a number above 0"))
    for name in ("input", "output"):
        try:
            Station(getattr(settings, name))
        except ValueError as error:
            found.append((name, f"must be a plain subject: {error}"))
    if settings.name and ("." in settings.name or not _is_word(settings.name)):
        found.append(("name", "must be one word of letters, digits, _ and -"))
    one, other = f"{settings.input}.", f"{settings.output}."
    if one.startswith(other) or other.startswith(one):
        found.append(("output", "must be apart from the input: neither may be, or be below, the other"))
    return found


def _is_word(text: str) -> bool:
    try:
        Station(text)
    except ValueError:
        return False
    return True
