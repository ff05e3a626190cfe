"""What `kai --help` costs over `import click`: whole processes, interleaved, medians. It must stay within 1.5 times, and 100 ms.

Run: `uv run python benchmarks/help_time.py [RUNS]`
"""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "python -c 'import click'": ["-c", "import click"],
    "kai --help": ["-m", "kai_client.cli", "--help"],
    "kai login --help": ["-m", "kai_client.cli", "login", "--help"],
}


def seconds(args: list[str]) -> float:
    """The wall time of a fresh interpreter."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *args], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Print the medians, and whether the help is quick enough."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    figures: dict[str, list[float]] = {name: [] for name in COMMANDS}
    for args in COMMANDS.values():
        seconds(args)  # not counted: it fills the caches
    for _ in range(runs):
        for name, args in COMMANDS.items():
            figures[name].append(seconds(args))
    medians = {name: statistics.median(times) for name, times in figures.items()}
    for name, median in medians.items():
        print(f"{name:26} {median * 1000:6.1f} ms (median of {runs})")
    most = 1.5 * medians["python -c 'import click'"] + 0.1
    print(f"kai --help may take {most * 1000:.1f} ms: {'yes' if medians['kai --help'] <= most else 'NO'}")


if __name__ == "__main__":
    main()
