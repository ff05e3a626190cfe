"""What travels between nodes: jobs, answers, and the record of a job that nobody could do. JSON with snake_case names."""

import re
from typing import Annotated, ClassVar, Final, Self

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, JsonValue, StringConstraints, ValidationError

from kai_client.exceptions import KaiBadRequestError
from kai_client.nats.faults import FaultRecord

__all__ = ["Answer", "Job", "JobFault", "JobId", "ToolUse", "is_job_id", "read_job"]

_ID: Final = r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*"
_SHOWN: Final = 5
"""How many problems of a message its error names."""

JobId = Annotated[str, StringConstraints(pattern=rf"^{_ID}$", max_length=200)]
"""Letters, digits, `_` and `-`, in words joined by dots: an id is the end of a subject."""


class _Message(BaseModel):
    """Frozen; unknown fields are dropped, so that the answer of one node is a job of the next."""

    model_config: ClassVar[ConfigDict] = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)


class Job(_Message):
    """One thing to do. On the wire `prompt` is read as `text`, too.

    `id` names the job for ever: there is at most one answer of an id. A message without one gets one of its place in the
    stream. `labels` and `meta` come back with the answer; `params` are the handler's.
    """

    id: JobId
    text: str = Field(min_length=1, validation_alias=AliasChoices("text", "prompt"))
    chat_id: str | None = None
    """The chat to go on with; None is a new one."""
    params: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    meta: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    nonce: str = Field(default="", max_length=200)
    """New where somebody wants the same job answered again: it sets the new answer apart for the duplicate window."""

    def answer(self, text: str, **fields: object) -> "Answer":
        """The answer to this job, with its id, labels and meta; `fields` are those of `Answer`."""
        about = {"id": self.id, "labels": self.labels, "meta": self.meta, "nonce": self.nonce}
        return Answer.model_validate({**about, "text": text, **fields})


class ToolUse(_Message):
    """A tool that was called, and the state in which its call was left (`output-available`, `output-denied` ...)."""

    name: str
    state: str


class Answer(_Message):
    """What became of a job. `Job.answer` makes one. `data` is the handler's own result, if there is more than text."""

    id: JobId
    text: str
    chat_id: str | None = None
    finish_reason: str | None = None
    usage: dict[str, int] | None = None
    tool_calls: tuple[ToolUse, ...] = ()
    data: JsonValue = None
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    meta: dict[str, JsonValue] = Field(default_factory=dict[str, JsonValue])
    nonce: str = ""


class JobFault(_Message):
    """Why there is no answer, on `<output>.error`: the error, how often it was tried, and the job as it was received."""

    id: str
    attempts: int
    error: FaultRecord
    job: JsonValue = None
    """None where it cannot be read as JSON, cannot be written as JSON, or would be too large."""

    @classmethod
    def of(cls, error: Exception, *, id: str, attempts: int, job: JsonValue) -> Self:  # noqa: A002 - the field's name
        """The record, which has nothing of the exception but its code and words."""
        return cls(id=id, attempts=attempts, error=FaultRecord.of(error), job=job)


def is_job_id(text: str) -> bool:
    """Whether a subject can end with it."""
    return re.fullmatch(_ID, text) is not None


def read_job(value: JsonValue, fallback_id: str) -> Job:
    """The job that a decoded message holds. Raises `KaiBadRequestError`, which names what is wrong but quotes nothing."""
    if not isinstance(value, dict):
        raise KaiBadRequestError("The message is no JSON object", "bad_request:job")
    try:
        return Job.model_validate({**value, "id": fallback_id if value.get("id") is None else value["id"]})
    except ValidationError as error:
        problems = error.errors(include_url=False, include_context=False, include_input=False)
        told = "; ".join(f"{'.'.join(map(str, each['loc'])) or 'job'}: {each['msg']}" for each in problems[:_SHOWN])
        raise KaiBadRequestError(f"The message is no job: {told}", "bad_request:job") from None
