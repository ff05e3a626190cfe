"""The command: `python -m benchmarks [PART ...] [--rounds N] [--markdown]`; exit status 1 when a bar is missed."""

import argparse
import importlib
import sys
import traceback
from collections.abc import Mapping, Sequence
from typing import Final

from .report import Bar, Report, Table, bars_table, lines_of

_PARTS: Final[Mapping[str, tuple[str, int]]] = {
    "streams": ("processor time per event of one stream", 7),
    "sync": ("processor time per event of one stream that a thread reads", 5),
    "latency": ("from the wire into the user's hands", 3),
    "concurrency": ("many streams at once", 1),
    "growth": ("that nothing is quadratic", 3),
    "start": ("from a cold client to its first event", 9),
    "import": ("what `import kai_client` takes", 11),
    "help": ("what `kai --help` takes", 11),
    "nats": ("events through a NATS broker", 9),
}
"""What each part measures, and its usual rounds."""

_MODULES: Final = {"import": "import_time", "help": "help_time", "sync": "blocking"}


def _arguments() -> argparse.Namespace:
    described = "\n".join(f"  {name:12} {says} ({rounds} rounds)" for name, (says, rounds) in _PARTS.items())
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure the client and hold it against its bars.",
        epilog=f"parts, all of them by default:\n{described}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to measure")
    parser.add_argument("--rounds", type=int, help="how often, after a round that is dropped")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    arguments = parser.parse_args()
    if unknown := [part for part in arguments.parts if part not in _PARTS]:
        parser.error(f"no part {', '.join(unknown)}; there are {', '.join(_PARTS)}")
    if arguments.rounds is not None and arguments.rounds < 1:
        parser.error("--rounds must be at least 1")
    return arguments


def main() -> int:
    """Run the parts one after the other, printing each as it ends, and at last all bars."""
    arguments = _arguments()
    bars: list[Bar] = []
    broken: list[str] = []
    for part in arguments.parts or _PARTS:
        module = importlib.import_module(f".{_MODULES.get(part, part)}", __package__)
        try:
            report: Report = module.measure(arguments.rounds or _PARTS[part][1])
        except Exception:  # noqa: BLE001 - the other parts take minutes, and their figures stand
            traceback.print_exc()
            broken.append(part)
            continue
        bars += report.bars
        _print(report.tables, markdown=arguments.markdown)
    _print([bars_table(bars)] if bars else [], markdown=arguments.markdown)
    missed = [bar.what for bar in bars if not bar.met]
    print(f"{len(bars) - len(missed)} of {len(bars)} bars met", *(f"{part} failed" for part in broken), sep=", ")
    return 1 if missed or broken else 0


def _print(tables: Sequence[Table], *, markdown: bool) -> None:
    for table in tables:
        print(*lines_of(table, markdown=markdown), sep="\n", end="\n\n", flush=True)


if __name__ == "__main__":
    sys.exit(main())
