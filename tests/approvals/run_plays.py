"""Random scripts with random decisions, and what must come of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from hypothesis import strategies as st
from run_scenes import ASSISTANTS, KINDS, Kind, Received, decision_on_the_wire

from kai_client import Approval, Denial
from kai_client.server import Execution, Item, TurnSpec, WireStyle, ask, call, say

WRITING = ["waits", "dynamic", "failing", "invalid", "preliminary"]
"""Calls of tools that ask before they run; an invalid one never comes so far."""
READING = ["runs", "fails", "not valid", "in pieces", "dynamically"]
AUTOMATIC = ["yes", "no"]
CHANGES: dict[str, dict[str, Any]] = {
    "dynamic": {"dynamic": True},
    "dynamically": {"dynamic": True},
    "failing": {"error": "It failed."},
    "fails": {"error": "It failed."},
    "invalid": {"invalid": "It is not valid."},
    "not valid": {"invalid": "It is not valid."},
    "preliminary": {"preliminary": (1, {"two": 2})},
    "in pieces": {"preliminary": (1, {"two": 2})},
    "yes": {"automatic": True},
    "no": {"automatic": False},
}
"""What makes a call one of its kind."""


@dataclass(frozen=True)
class Planned:
    """One call of a script, and what the policy will say about it if it is asked."""

    id: str
    tool: str
    input: Any
    kind: str
    ruling: Any

    @property
    def waits(self) -> bool:
        """Whether a human is asked."""
        return self.kind in WRITING and self.kind != "invalid"

    @property
    def approved(self) -> bool:
        """Whether it may run."""
        return (self.ruling is True or isinstance(self.ruling, Approval)) if self.waits else self.kind != "no"

    @property
    def runs(self) -> bool:
        """Whether its function is called in the end."""
        return self.approved and self.kind not in {"invalid", "not valid", "failing", "fails"}

    def item(self, ran: list[tuple[str, Execution]]) -> Item:
        """The call in a script, which notes that it ran."""

        def run(execution: Execution) -> str:
            ran.append((self.id, execution))
            return f"output of {self.id}"

        one = (ask if self.kind in WRITING else call)(self.tool, self.input, run, id=self.id)
        return replace(one, **CHANGES.get(self.kind, {}))


@dataclass(frozen=True)
class Play:
    """A script: steps of calls with words between them."""

    steps: Sequence[Sequence[Planned]]
    is_async: bool
    ran: list[tuple[str, Execution]] = field(default_factory=list[tuple[str, Execution]])

    def turn(self) -> TurnSpec:
        """The script, as it is played."""
        items: list[Item | str] = []
        for number, step in enumerate(self.steps):
            items += [say(f"Step {number}.\n"), *(planned.item(self.ran) for planned in step)]
        return [*items, say("The end.")]

    @property
    def rulings(self) -> Mapping[str, Any]:
        """The policy, by call id."""
        return {planned.id: planned.ruling for step in self.steps for planned in step}

    def reached(self) -> list[Planned]:
        """The calls that are made: a list of a script ends with the step of which nothing may run."""
        made: list[Planned] = []
        for step in self.steps:
            made += step
            refused = [planned for planned in step if planned.kind == "no" or (planned.waits and not planned.approved)]
            if step and len(refused) == len(step):
                break
        return made

    def waiting(self) -> list[Planned]:
        """The calls about which the policy is asked, in order."""
        return [planned for planned in self.reached() if planned.waits]

    def decisions(self, *, oldest: bool) -> list[Received]:
        """What the backend must receive, in order."""
        return [decision_on_the_wire(planned.id, planned.ruling, oldest=oldest) for planned in self.waiting()]

    def executions(self) -> dict[str, Execution]:
        """What must run, by call id."""
        return {planned.id: _execution(planned) for planned in self.reached() if planned.runs}


def _execution(planned: Planned) -> Execution:
    if not (planned.waits and isinstance(planned.ruling, Approval)):
        return Execution(planned.input)
    changed: Any = planned.ruling.updated_input
    answers: Any = planned.ruling.answers
    return Execution(planned.input if changed is None else changed, answers)


@dataclass(frozen=True)
class Performance:
    """Plays that are given at the same time, by one backend."""

    kind: Kind
    style: WireStyle
    plays: list[Play]

    @property
    def oldest(self) -> bool:
        """Whether the backend knows no approval requests (protocol 2.4, the oldest flow)."""
        return self.kind.mode == "assistant" and self.style.major == 5

    @property
    def tells_all(self) -> bool:
        """Whether the stream says how every call ended, in standard chunks."""
        return self.style.denial == "chunk" and self.style.shapes == "standard" and self.style.major in {None, 7}


ENCODABLE = st.characters(exclude_categories=["Cs"])
TEXTS = st.sampled_from(["", "a", "ä\u202e", "\u2028", "\x00", "🦆", "true", '"\\', "</script>"]) | st.text(
    ENCODABLE, max_size=6
)
NAMES = st.sampled_from(["run-job", "tool-x", "-", "__proto__", "x\u202ey", "\x1b[2J", "名前", " a "]) | st.text(
    ENCODABLE, min_size=1, max_size=8
)
NUMBERS = st.integers(-(2**60), 2**60) | st.floats(allow_nan=False, allow_infinity=False)
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
OBJECTS: st.SearchStrategy[dict[str, Any]] = st.dictionaries(TEXTS, JSON, max_size=3)
INPUTS: st.SearchStrategy[Any] = OBJECTS | st.lists(JSON, max_size=2) | NUMBERS | TEXTS | st.booleans()
PLAIN = st.sampled_from([True, True, False, Approval(), Denial()]) | st.builds(Denial, reason=TEXTS)
CHANGING = st.builds(Approval, updated_input=st.none() | OBJECTS, answers=st.none() | OBJECTS)
MARKS = st.sampled_from(["", ":x", "/ä", " b", "?c=d", "#", "%2F", "\u202e", "..", "🦆"])


@st.composite
def plays(draw: st.DrawFn, kind: Kind, *, automatic: bool) -> Play:
    """Scripts for a backend of this kind; tools that read and those that write have names of their own."""
    names = draw(st.lists(NAMES, min_size=2, max_size=4, unique=True))
    writing, reading = names[: len(names) // 2], names[len(names) // 2 :]
    if kind in ASSISTANTS:
        writing = reading = names  # it has no catalogue: any tool may ask, this time or another
    inputs = draw(st.lists(INPUTS, min_size=1, max_size=3))
    kinds: st.SearchStrategy[str] = st.sampled_from(
        [*(["waits"] * 4), *WRITING, *READING, *(AUTOMATIC if automatic else [])],
    )
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    steps: list[list[Planned]] = []
    for number, size in enumerate(sizes):
        step: list[Planned] = []
        for index in range(size):
            what = draw(kinds)
            step.append(
                Planned(
                    id=f"c{number}{index}{draw(MARKS)}",
                    tool=draw(st.sampled_from(writing if what in WRITING else reading)),
                    input=draw(st.sampled_from(inputs)),
                    kind=what,
                    ruling=draw(PLAIN | CHANGING if kind.mode == "agent" else PLAIN),
                )
            )
        steps.append(step)
    return Play(steps, draw(st.booleans()))


def styles(kind: Kind) -> st.SearchStrategy[WireStyle]:
    """What a backend of this kind may write.

    A last line without a blank one is complete when the next comes: an agent that waits after it could not be heard.
    """
    framings = ["blank-line"] if kind.mode == "agent" else ["blank-line", "single-newline"]
    return st.builds(
        WireStyle,
        framing=st.sampled_from(framings),
        shapes=st.sampled_from(["standard", "standard", "legacy"]),
        major=st.sampled_from([None, None, 6, 7, *([] if kind.listing else [5])]),
        steps=st.sampled_from([True, True, False]),
        denial=st.sampled_from(["chunk", "chunk", "error", "silent"]),
        newline=st.sampled_from(["\n", "\r\n"]),
        comments=st.booleans(),
        byte_by_byte=st.sampled_from([False, False, False, True]),
        done=st.booleans(),
        bom=st.booleans(),
        headers=st.booleans(),
        unknown_chunk=st.booleans(),
    )


@st.composite
def performances(draw: st.DrawFn, kinds: Sequence[Kind] = KINDS) -> Performance:
    """A few plays at once, on one backend with one style."""
    kind = draw(st.sampled_from(kinds))
    style = draw(styles(kind))
    automatic = style.major in {None, 7}  # older versions have no way to say that they decided by themselves
    return Performance(kind, style, draw(st.lists(plays(kind, automatic=automatic), min_size=3, max_size=6)))


class BrokenPolicyError(Exception):
    """What a policy raises."""


@st.composite
def disturbances(draw: st.DrawFn) -> Performance:
    """Plays whose policy also fails, says what is no ruling, leaves calls pending, and changes what cannot be changed."""
    performance = draw(performances())
    rulings: st.SearchStrategy[Any] = st.sampled_from(
        [True, True, True, False, None, "yes", 1, BrokenPolicyError("no"), Approval(updated_input={"changed": 1})]
    )
    disturbed = [
        Play([[replace(planned, ruling=draw(rulings)) for planned in step] for step in play.steps], play.is_async)
        for play in performance.plays
    ]
    return replace(performance, plays=disturbed)
