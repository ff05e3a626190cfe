"""How much `import kai_client` costs over `import httpx, pydantic`: whole processes, interleaved, medians and their ratio.

Run: `uv run python benchmarks/import_time.py [RUNS]`
"""

import statistics
import subprocess
import sys
import time

BARE = "pass"
THEIRS = "import httpx, pydantic"
OURS = "import kai_client"
THEIRS_USED = "import httpx; from pydantic import BaseModel"
OURS_USED = "from kai_client import KaiClient"
UNWANTED = ("click", "rich", "fastapi", "uvicorn", "starlette")


def seconds(code: str) -> float:
    """The wall time of a fresh interpreter that runs `code`."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    """Print the medians of the imports alone and their ratio, and what the import must not bring along."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 15
    figures: dict[str, list[float]] = {code: [] for code in (BARE, THEIRS, OURS, THEIRS_USED, OURS_USED)}
    for code in figures:
        seconds(code)  # not counted: it fills the caches
    for _ in range(runs):
        for code, times in figures.items():
            times.append(seconds(code))
    bare = statistics.median(figures[BARE])
    more = {code: statistics.median(times) - bare for code, times in figures.items()}
    for code in figures:
        print(f"{code:46} {more[code] * 1000:7.1f} ms over the bare interpreter (median of {runs})")
    print(
        f"ratio, imported: {more[OURS] / more[THEIRS]:.2f}; with the names in hand: {more[OURS_USED] / more[THEIRS_USED]:.2f}"
    )
    probe = f"import sys, kai_client; print([name for name in {UNWANTED!r} if name in sys.modules])"
    print(
        "extras imported:",
        subprocess.run([sys.executable, "-c", probe], check=True, capture_output=True, text=True).stdout.strip(),
    )


if __name__ == "__main__":
    main()
