"""The simulation of docs/scaling.md says what the page says, in small."""

import subprocess
import sys
from pathlib import Path

from benchmarks.workers import Plan, simulate

ROOT = Path(__file__).parents[2]


def test_more_workers_do_more_until_the_quota_is_the_limit() -> None:
    """Four workers do four times what one does; sixteen do what the quota allows, and so do 64."""
    done = {workers: simulate(Plan(jobs=400, workers=workers, quota=20, max_pending=20)) for workers in (1, 4, 16, 64)}
    assert 3.5 < done[4].per_minute / done[1].per_minute < 4.5
    assert 18 < done[16].per_minute <= 20
    assert abs(done[64].per_minute - done[16].per_minute) < 1


def test_a_bound_on_pending_jobs_spares_the_service() -> None:
    """Far more jobs in flight than the quota feeds bring no more answers, only refusals; no job is lost to them."""
    few, many = (simulate(Plan(jobs=400, workers=16, quota=20, max_pending=pending)) for pending in (20, 1000))
    assert (few.answered, many.answered) == (400, 400)
    assert many.refused > 5 * few.refused


def test_failures_cost_their_share() -> None:
    """When a tenth of the attempts fails, a tenth less is answered; a job is given up after its attempts, not before."""
    well, badly = (simulate(Plan(jobs=1000, workers=4, failures=share)) for share in (0.0, 0.1))
    assert 0.85 < badly.per_minute / well.per_minute < 0.95
    hopeless = simulate(Plan(jobs=10, failures=1.0, deliveries=3))
    assert (hopeless.answered, hopeless.failed) == (0, 10)


def test_the_command_prints_a_table() -> None:
    """`python -m benchmarks.workers` works as the page has it."""
    command = [sys.executable, "-W", "error", "-m", "benchmarks.workers", "--jobs", "50", "--workers", "1,2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    lines = done.stdout.splitlines()
    assert (lines[0][:12], len(lines), done.stderr) == ("| workers | ", 18, "")
