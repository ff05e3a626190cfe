"""The workflows: as GitHub's schema wants them, as zizmor does, and every action of somebody else's pinned to a commit.

Offline: the schema comes with check-jsonschema, and zizmor asks nobody.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / ".github"

_USES: Final = re.compile(r"^\s*(?:- )?uses:\s*(?P<action>\S+)(?P<comment>\s+#.*)?$", re.MULTILINE)
_PINNED: Final = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}")
_VERSION: Final = re.compile(r"#\s*v?\d+(\.\d+)*\s*$")


def pin_faults(text: str) -> Iterator[str]:
    """The actions of a workflow that somebody else could change: a full commit, with its version behind it, cannot be."""
    for found in _USES.finditer(text):
        action = found["action"].strip("\"'")
        if action.startswith("./"):
            continue
        if not _PINNED.fullmatch(action):
            yield f"{action} is not pinned to a full commit"
        elif not _VERSION.search(found["comment"] or ""):
            yield f"{action} does not say which version that is"


def permission_faults(text: str) -> Iterator[str]:
    """What a workflow may that it should not: nothing by itself, each job what it names, identities only to publish."""
    if not re.search(r"^permissions: \{\}$", text, re.MULTILINE):
        yield "the workflow itself has permissions"
    jobs = re.split(r"^  (?=[\w-]+:$)", text.partition("\njobs:\n")[2], flags=re.MULTILINE)[1:]
    if not jobs:
        yield "there are no jobs"
    for job in jobs:
        name = job.partition(":")[0]
        if not re.search(r"^    timeout-minutes: \d+$", job, re.MULTILINE):
            yield f"{name} has no time limit"
        if "persist-credentials: true" in job or (
            "actions/checkout@" in job and "persist-credentials: false" not in job
        ):
            yield f"{name} keeps the token in the working copy"
        if "id-token: write" in job and not re.search(r"^    environment: pypi$", job, re.MULTILINE):
            yield f"{name} may say who we are, outside of the environment pypi"


def main() -> int:
    """Print every fault; the exit status says whether there was one."""
    workflows = sorted((FOLDER / "workflows").glob("*.y*ml"))
    found = [
        f"{path.name}: {fault}"
        for path in workflows
        for check in (pin_faults, permission_faults)
        for fault in check(path.read_text(encoding="utf-8"))
    ]
    print(*found, f"{len(workflows)} workflows, {len(found)} faults", sep="\n")
    scripts = Path(sys.executable).parent
    commands: list[list[str | Path]] = [
        [scripts / "check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows],
        [scripts / "check-jsonschema", "--builtin-schema", "vendor.dependabot", FOLDER / "dependabot.yml"],
        [scripts / "zizmor", "--offline", "--no-progress", "--quiet", "--persona", "pedantic", FOLDER],
    ]
    statuses = [subprocess.run(command, check=False).returncode for command in commands]
    return 1 if found or any(statuses) or not workflows else 0


if __name__ == "__main__":
    sys.exit(main())
