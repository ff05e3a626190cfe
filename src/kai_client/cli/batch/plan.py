"""What a run has to do: the prompts of the input without those that an earlier run has answered."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from kai_client.cli.exit_codes import ExitCode, Failure

from .prompts import Prompt
from .records import Done, Status
from .results import Earlier

__all__ = ["Plan", "plan"]


@dataclass(frozen=True, slots=True)
class Plan:
    """`todo` in the order of the input; `done` is what stays as it is; the lines of `again` leave the file."""

    todo: Sequence[Prompt]
    done: Sequence[Done]
    again: Collection[str]
    strangers: int
    """How many answers in the file belong to no prompt of the input; they stay there."""


def plan(prompts: Sequence[Prompt], earlier: Earlier, path: Path, *, retry: Collection[Status]) -> Plan:
    """Leave out the prompts that `earlier` has, except those with a status in `retry`.

    Raises `Failure` where the file has answers to other prompts: for an id whose prompt has changed, or all of them.
    """
    todo: list[Prompt] = []
    done: list[Done] = []
    again: set[str] = set()
    for prompt in prompts:
        found = earlier.done.get(prompt.id)
        if found is None:
            todo.append(prompt)
            continue
        if found.hash != prompt.hash:
            raise Failure(
                f"Line {prompt.line}: the prompt {prompt.id!r} has changed since it was answered in {path};"
                " give it another id, choose another --output, or --restart",
                ExitCode.USAGE,
            )
        if found.status in retry:
            todo.append(prompt)
            again.add(prompt.id)
        else:
            done.append(found)
    strangers = len(earlier.done) - len(done) - len(again)
    if strangers and strangers == len(earlier.done):
        raise Failure(
            f"{path} has answers, but none to these prompts: choose another --output, or --restart to empty it",
            ExitCode.USAGE,
        )
    return Plan(todo, done, again, strangers)
