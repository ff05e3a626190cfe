"""What N workers get done when Kai takes only so many messages, and some attempts fail: a simulation, no clock, no network.

    python -m benchmarks.workers --workers 1,2,4,8,16 --quota 20 --failures 0,0.1

The rules are the node's own (`NodeSettings`, `pause_after`); the broker gives out at most `max_pending` jobs at a time. Kai
takes `quota` messages in each `window`, and refuses the others at once with the time that is left as Retry-After.
"""

import argparse
import heapq
import random
from collections import deque
from dataclasses import dataclass, field
from itertools import count, product
from typing import Final

from kai_client.exceptions import KaiError, KaiRateLimitError, KaiServerError
from kai_client.nats.node import NodeSettings
from kai_client.nats.node.verdict import is_attempt, pause_after

__all__ = ["Outcome", "Plan", "simulate"]

_REFUSAL: Final = 0.2
"""Seconds until a refusal is there."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What is simulated; times are seconds."""

    jobs: int = 1000
    workers: int = 4
    answer: float = 20.0
    """The mean of how long Kai takes; single answers vary as exponential times do."""
    quota: int = 1_000_000
    window: float = 60.0
    failures: float = 0.0
    """The share of attempts that fail, at their end."""
    max_pending: int = 1000
    deliveries: int = 5
    seed: int = 1


@dataclass(kw_only=True)
class Outcome:
    """What came of it."""

    answered: int = 0
    failed: int = 0
    refused: int = 0
    """How often Kai said "later"."""
    seconds: float = 0.0
    busy: float = 0.0
    """Seconds that workers spent on answers, all together."""

    @property
    def per_minute(self) -> float:
        """Answers."""
        return 60 * self.answered / self.seconds


@dataclass
class _Run:
    plan: Plan
    out: Outcome = field(default_factory=Outcome)

    def __post_init__(self) -> None:
        plan = self.plan
        self.random = random.Random(plan.seed)
        self.rules = NodeSettings(servers="-", input="a", output="b", deliveries=plan.deliveries)
        self.queue = deque((job, 1) for job in range(plan.jobs))
        self.idle = plan.workers
        self.pending: set[int] = set()
        self.sent: dict[int, int] = {}
        self.order = count()
        self.events: list[tuple[float, int, int, int, KaiError | None, bool]] = []

    def begin(self, now: float) -> None:
        """Give jobs to workers that are free: those that wait to be tried again are pending, too."""
        while self.idle and self.queue:
            job, attempt = self.queue[0]
            if job not in self.pending and len(self.pending) >= self.plan.max_pending:
                return
            self.queue.popleft()
            self.pending.add(job)
            self.idle -= 1
            took, error = self.ask(now)
            self.push(now + took, job, attempt, error)

    def ask(self, now: float) -> tuple[float, KaiError | None]:
        window = int(now // self.plan.window)
        if self.sent.get(window, 0) >= self.plan.quota:
            self.out.refused += 1
            later = (window + 1) * self.plan.window - now
            return _REFUSAL, KaiRateLimitError("Later", "rate_limit:chat", retry_after=later)
        self.sent[window] = self.sent.get(window, 0) + 1
        took = self.random.expovariate(1 / self.plan.answer)
        self.out.busy += took
        failed = self.random.random() < self.plan.failures
        return took, KaiServerError("Broken", "offline:chat") if failed else None

    def push(self, at: float, job: int, attempt: int, error: KaiError | None, *, back: bool = False) -> None:
        heapq.heappush(self.events, (at, next(self.order), job, attempt, error, back))

    def go(self) -> Outcome:
        """All jobs, to their ends."""
        self.begin(0.0)
        while self.events:
            now, _, job, attempt, error, back = heapq.heappop(self.events)
            if back:
                self.queue.appendleft((job, attempt))
            else:
                self.idle += 1
                self.settle(now, job, attempt, error)
            self.begin(now)
            self.out.seconds = now
        return self.out

    def settle(self, now: float, job: int, attempt: int, error: KaiError | None) -> None:
        pause = None if error is None else pause_after(error, attempt, self.rules)
        if pause is not None:
            tried = error is not None and is_attempt(error)
            self.push(now + pause, job, attempt + 1 if tried else attempt, None, back=True)
            return
        self.pending.remove(job)
        self.out.answered += error is None
        self.out.failed += error is not None


def simulate(plan: Plan) -> Outcome:
    """What comes of the plan; the same plan has the same outcome."""
    return _Run(plan).go()


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.workers", description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000)
    parser.add_argument("--workers", default="1,4,16,64", help="numbers with commas between")
    parser.add_argument("--quota", default="20,1000000", help="messages in each window")
    parser.add_argument("--failures", default="0,0.1", help="shares of attempts")
    parser.add_argument("--pending", default="20,1000", help="KAI_NODE_MAX_PENDING")
    given = parser.parse_args()
    numbers = (tuple(given.workers.split(",")), tuple(given.quota.split(",")), tuple(given.failures.split(",")))
    print("| workers | quota a minute | failures | max pending | answers a minute | refused | failed for good | busy |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for quota, failures, pending, workers in product(numbers[1], numbers[2], given.pending.split(","), numbers[0]):
        plan = Plan(
            jobs=given.jobs,
            workers=int(workers),
            quota=int(quota),
            failures=float(failures),
            max_pending=int(pending),
        )
        done = simulate(plan)
        busy = done.busy / (done.seconds * plan.workers)
        print(
            f"| {workers} | {quota} | {failures} | {pending} | {done.per_minute:.1f} | {done.refused} | {done.failed}"
            f" | {busy:.0%} |"
        )


if __name__ == "__main__":
    main()
