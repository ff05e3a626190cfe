"""The vocabulary of approvals: the call that is decided about, and what a decision can be. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeAlias, cast

from typing_extensions import TypeVar

from kai_client.message import UIMessage
from kai_client.types import Json

__all__ = ["Approval", "Decision", "Denial", "Ruling", "ToolCall", "decision_of", "reason_of"]

InputT = TypeVar("InputT", default=Any)


@dataclass(frozen=True, slots=True, kw_only=True)
class ToolCall(Generic[InputT]):
    """One call that waits for a decision, with its own arguments.

    A snapshot: nothing that is done to `input` changes what was called or what is sent. `input` is the JSON that the model
    wrote, or a model of yours where a `Toolbox` has validated it. `approval_id` is set where the backend asked by
    an approval request; `read_only` where its catalogue of tools says so; `request_reason` where it says why it asks.
    """

    chat_id: str
    tool_call_id: str
    tool_name: str
    input: InputT
    message: UIMessage
    """The assistant's message so far."""
    approval_id: str | None = None
    title: str | None = None
    request_reason: str | None = None
    read_only: bool | None = None


def _require_json_object(value: object, name: str) -> None:
    """Raise `TypeError` or `ValueError` for what cannot be sent: then, not later, since an unsent decision leaves a call open."""
    if value is None:
        return
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(value).__name__}")
    json.dumps(dict(cast("Mapping[str, object]", value)), allow_nan=False, ensure_ascii=False).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A yes. `updated_input` replaces the arguments, `answers` go to tools that ask questions: both on kai-agent only.

    Where the backend cannot change the arguments (protocol 2.4), the call is denied: what was not approved does not run.
    """

    updated_input: Mapping[str, Json] | None = None
    answers: Mapping[str, Json] | None = None

    def __post_init__(self) -> None:
        for name in ("updated_input", "answers"):
            _require_json_object(getattr(self, name), name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denial:
    """A no. The model is told the reason, and can try something else."""

    reason: str | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.reason, str | None):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"reason must be a string or None, not {type(self.reason).__name__}")
        if self.reason is not None:
            self.reason.encode()


Decision: TypeAlias = Approval | Denial

Ruling: TypeAlias = bool | Approval | Denial | None
"""What a policy may return; None leaves the call pending."""

YES: Final = Approval()
NO: Final = Denial()


def reason_of(decision: Decision) -> str | None:
    """Why not, where that was said."""
    return decision.reason if isinstance(decision, Denial) else None


def decision_of(ruling: object) -> Decision | None:
    """The decision that a policy's answer is. Raises `TypeError` for anything else: a string never approves."""
    match ruling:
        case None | Approval() | Denial():
            return ruling
        case bool():
            return YES if ruling else NO
        case _:
            raise TypeError(f"A policy returns True, False, an Approval, a Denial or None, not {type(ruling).__name__}")
