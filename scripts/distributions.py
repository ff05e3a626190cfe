"""Builds the wheel and the sdist, looks into them, and tests what was built, as it was built: `src` is not there.

Run: uv run --group dev python scripts/distributions.py                    build, look, install, test; also with the lowest versions
     uv run --group dev python scripts/distributions.py --dist DIR         the same of a wheel and an sdist that are there
     uv run --group dev python scripts/distributions.py --versions newest  with other versions of the dependencies

- The files: those of git that belong there and no others; metadata and README as the index wants them; the wheel built from the
  sdist is the wheel built from the repository, byte for byte.
- The core alone, and each extra alone: every public room imports, or says in one sentence which extra to install.
- The tests, those of the sdist, in a fresh environment with the wheel: with the versions of uv.lock, and with the lowest allowed.
"""

import argparse
import email
import re
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import get_args

from dist_environments import ROOT, Environment, Versions, environment, run, uv, versions_of
from dist_files import differences, digest, read_sdist, read_wheel, sdist_faults, wheel_faults

TESTS = (
    "tests/unit",
    "tests/sync",
    "tests/client/test_endpoints.py",
    "tests/client/test_stream_ends.py",
    "tests/cli/test_startup.py",
)
"""The part that is quick and touches every dependency of the core, and the command. `--tests` takes any other."""

SENTENCE = re.compile(r'pip install "kai-client\[([a-z,]+)\]"')

Outcomes = Mapping[str, tuple[str, str] | None]


def build(folder: Path, *kind: str, source: Path = ROOT) -> None:
    """Build what `kind` says of a source tree or an sdist."""
    uv("build", "--quiet", "--no-create-gitignore", *kind, "--out-dir", folder, source)


def only(folder: Path, pattern: str) -> Path:
    """The one file of this kind."""
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        sys.exit(f"{folder}: {len(found)} files {pattern} instead of one")
    return found[0]


def file_faults(wheel: Path, sdist: Path, work: Path) -> Iterator[str]:
    """What is wrong with what was built, before anything is installed."""
    tracked = run("git", "ls-files").stdout.splitlines()
    if not tracked:
        yield "git knows no files here: there is nothing to compare with"
        return
    in_wheel = read_wheel(wheel)
    yield from wheel_faults(in_wheel, tracked)
    yield from sdist_faults(read_sdist(sdist), tracked)
    for name, source in (("repository", ROOT), ("sdist", sdist)):
        build(work / name, "--wheel", source=source)
        yield from (
            f"{fault} (built from the {name})"
            for fault in differences(in_wheel, read_wheel(only(work / name, "*.whl")))
        )
    checked = run(sys.executable, "-m", "twine", "check", "--strict", wheel, sdist)
    if checked.returncode != 0:
        yield f"twine check: {checked.stdout}{checked.stderr}"


def extras_of(wheel: Path) -> list[str]:
    """The extras that the wheel's metadata names."""
    contents = read_wheel(wheel)
    metadata = next(text for name, text in contents.items() if name.endswith(".dist-info/METADATA"))
    return email.message_from_bytes(metadata).get_all("Provides-Extra", [])


def asked(text: str) -> set[str] | None:
    """The extras that a sentence says to install; None if it is no sentence that says so."""
    found = SENTENCE.search(text)
    return set(found[1].split(",")) if found is not None and "\n" not in text.strip() else None


def room_faults(core: Outcomes, alone: Mapping[str, Outcomes]) -> Iterator[str]:
    """What is wrong with the rooms: `core` without any extra, `alone` with each.

    A room imports everywhere, or says which extra it is and imports with that one.
    """
    for room, error in core.items():
        if error is None:
            yield from (
                f"{room} imports in the core, but not with {extra}" for extra, rooms in alone.items() if rooms[room]
            )
            continue
        extras = asked(error[1]) if error[0] == "ModuleNotFoundError" else None
        if extras is None or not extras <= alone.keys():
            yield f"{room} without its extra: {error[0]}: {error[1]}"
            continue
        yield from (f"{room} with {extra}: {alone[extra][room]}" for extra in sorted(extras) if alone[extra][room])


def command_faults(environments: Mapping[str, Environment]) -> Iterator[str]:
    """What is wrong with the command and the functions whose extra comes later than at the import."""
    server = "from kai_client.testing import running_server; running_server().__enter__()"
    tried = (
        ("core", ["kai", "--version"], {"cli"}),
        ("core", ["python", "-I", "-c", server], {"server"}),
        ("cli", ["kai", "--version"], None),
        ("cli", ["kai", "--local", "chat", "-m", "Hi"], {"all"}),
        ("cli", ["kai", "batch", "--nats", "nats://127.0.0.1:1", "prompts.jsonl"], {"cli", "nats"}),
        ("all", ["kai", "--local", "chat", "-m", "Hi"], None),
    )
    for name, (program, *arguments), extras in tried:
        (environments[name].path / "prompts.jsonl").write_text('{"prompt": "Hi"}\n', encoding="utf-8")
        done = run(environments[name].scripts / program, *arguments, cwd=environments[name].path)
        last = (done.stderr.strip().splitlines() or [""])[-1]
        if (done.returncode == 0) != (extras is None) or (extras is not None and asked(last) != extras):
            yield f"{name}: {program} {' '.join(arguments)}: exit status {done.returncode}, {last or done.stdout}"


def extra_faults(wheel: Path, work: Path) -> Iterator[str]:
    """Install the core alone, and each extra alone, and see what is there."""
    made = {name: environment(work / name, wheel, [name], "locked") for name in extras_of(wheel)}
    core = environment(work / "core", wheel, [], "locked")
    yield from room_faults(core.rooms(), {name: found.rooms() for name, found in made.items()})
    yield from command_faults({"core": core, **made})


def test_faults(wheel: Path, sdist: Path, work: Path, versions: Versions, tests: Iterable[str]) -> Iterator[str]:
    """Run tests of the sdist, whose `src` is taken away, against the installed wheel."""
    tree = work / "sdist-tests"
    if not tree.exists():
        with tarfile.open(sdist) as archive:
            archive.extractall(work / "unpacked", filter="data")
        only(work / "unpacked", "*").rename(tree)
        (tree / "src").rename(work / "src-taken-away")
    all_of_it = environment(work / versions, wheel, ["all"], versions, tests=True)
    broken = {room: error for room, error in all_of_it.rooms().items() if error is not None}
    if broken:
        yield f"{versions} versions: {broken}"
    direct = ("httpcore", "httpx", "httpx-sse", "pydantic", "tenacity", "typing-extensions")
    print(f"   {', '.join(f'{name} {version}' for name, version in versions_of(all_of_it, direct).items())}")
    # Without the root conftest.py, which would fetch an environment that has all test tools.
    done = run(all_of_it.python, "-m", "pytest", "--confcutdir=tests", "-q", "--no-header", *tests, cwd=tree)
    print(f"   {(done.stdout.strip().splitlines() or ['?'])[-1]}")
    if done.returncode != 0:
        yield f"tests with {versions} versions:\n{done.stdout}{done.stderr}"


def steps(options: argparse.Namespace, work: Path) -> Iterator[tuple[str, Iterator[str]]]:
    """Each step, and the faults that it finds."""
    folder = options.dist
    if folder is None:
        build(folder := work / "dist")
    wheel, sdist = only(folder, "*.whl").resolve(), only(folder, "*.tar.gz").resolve()
    print(*(f"{digest(path)}  {path.name}  {path.stat().st_size:,} bytes" for path in (wheel, sdist)), sep="\n")
    yield "files and metadata", file_faults(wheel, sdist, work)
    yield "the core and each extra alone", extra_faults(wheel, work / "extras")
    for versions in options.versions:
        yield f"tests of the wheel, {versions} versions", test_faults(wheel, sdist, work, versions, options.tests)


def main() -> int:
    """Print every step and every fault; the exit status says whether there was one."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dist", type=Path, help="where a wheel and an sdist are; without it they are built")
    parser.add_argument("--versions", nargs="+", choices=get_args(Versions), default=["locked", "lowest"])
    parser.add_argument("--tests", nargs="+", default=list(TESTS), help="folders and files of the sdist")
    options = parser.parse_args()
    count = 0
    with tempfile.TemporaryDirectory(prefix="kai-client-dist-") as work:
        for title, faults in steps(options, Path(work)):
            started = time.monotonic()
            print(f"-- {title}", flush=True)
            for fault in faults:
                count += 1
                print(f"   WRONG: {fault}", flush=True)
            print(f"   {time.monotonic() - started:.0f} s", flush=True)
    print(f"{count} faults")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
