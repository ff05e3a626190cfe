"""A list of checks: what each found, what to do about it, and the exit status of them all."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import click

from kai_client.cli.exit_codes import ExitCode
from kai_client.cli.failures import exit_code, explain
from kai_client.cli.terminal import one_line

from .tls import tls_advice

__all__ = ["Checklist", "Finding", "Said", "Status"]

_WIDTH: Final = 11
_COLORS: Final = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "bright_black"}


class Status(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Said:
    """What a check found; with `advice` it is a warning."""

    text: str
    advice: str | None = None


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A line of the list."""

    name: str
    status: Status
    text: str
    advice: str | None = None
    code: ExitCode = ExitCode.DONE
    seconds: float | None = None


class Checklist:
    """Runs checks one after the other and shows each finding when it is there; as JSON, all of them at the end."""

    def __init__(self, secret: str | None, *, json_output: bool = False) -> None:
        self.secret = secret
        self.findings: list[Finding] = []
        self._json_output = json_output

    @property
    def code(self) -> ExitCode:
        """That of the first check that failed."""
        return next((each.code for each in self.findings if each.status == Status.FAILED), ExitCode.DONE)

    def passed(self, name: str) -> bool:
        """Whether a check was made and did not fail."""
        return any(each.name == name and each.status in {Status.OK, Status.WARNING} for each in self.findings)

    async def check(
        self, name: str, work: Callable[[], Awaitable[Said]], *, needs: tuple[str, ...] = (), seconds: float = 15.0
    ) -> None:
        """Make a check that may take so long; skipped unless those that it needs have passed."""
        if missing := [need for need in needs if not self.passed(need)]:
            self.skip(name, f"needs: {', '.join(missing)}")
            return
        began = time.perf_counter()
        try:
            async with asyncio.timeout(seconds):
                said = await work()
        except TimeoutError:
            advice = "check the network and the proxy settings"
            self._add(name, Status.FAILED, f"no end within {seconds:.0f} s", advice, ExitCode.NETWORK)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is a finding
            text, _, advice = explain(error, self.secret).partition(" - ")
            self._add(name, Status.FAILED, text, tls_advice(error) or advice or None, exit_code(error))
        else:
            status = Status.OK if said.advice is None else Status.WARNING
            self._add(name, status, said.text, said.advice, seconds=time.perf_counter() - began)

    def skip(self, name: str, why: str) -> None:
        """Leave a check out."""
        self._add(name, Status.SKIPPED, why)

    def end(self) -> None:
        """All of it as JSON, where that was asked for; and the exit status."""
        if self._json_output:
            checks = [
                {"name": f.name, "status": f.status, "text": f.text, "advice": f.advice, "seconds": f.seconds}
                for f in self.findings
            ]
            click.echo(json.dumps({"exitCode": self.code, "checks": checks}))
        click.get_current_context().exit(self.code)

    def _add(
        self,
        name: str,
        status: Status,
        text: str,
        advice: str | None = None,
        code: ExitCode = ExitCode.DONE,
        seconds: float | None = None,
    ) -> None:
        text = one_line(text, self.secret)
        advice = one_line(advice, self.secret) if advice else None
        rounded = None if seconds is None else round(seconds, 3)
        self.findings.append(Finding(name=name, status=status, text=text, advice=advice, code=code, seconds=rounded))
        if not self._json_output:
            click.echo(f"{click.style(f'{status:8}', fg=_COLORS[status])} {name:{_WIDTH}} {text}")
            if advice:
                click.echo(f"{'':{_WIDTH + 10}}-> {advice}")
