"""Whether accumulating an answer stays linear: time per event in a short answer and in one a hundred times as long.

Run: `uv run python benchmarks/accumulate.py [RUNS]`. The two sizes are measured in turn, medians and their ratio are printed.
"""

import json
import statistics
import sys
import time
from collections.abc import Iterator

from kai_client import SSEEvent, SSEStreamParser, parse_sse_event

SHORT, LONG = 1_000, 100_000


def text(count: int) -> Iterator[dict[str, object]]:
    """An answer in `count` text deltas."""
    yield {"type": "text-start", "id": "0"}
    for _ in range(count):
        yield {"type": "text-delta", "id": "0", "delta": "word "}
    yield {"type": "text-end", "id": "0"}


def reasoning(count: int) -> Iterator[dict[str, object]]:
    """As much reasoning."""
    yield {"type": "reasoning-start", "id": "0"}
    for _ in range(count):
        yield {"type": "reasoning-delta", "id": "0", "delta": "word "}
    yield {"type": "reasoning-end", "id": "0"}


def tool_input(count: int) -> Iterator[dict[str, object]]:
    """A tool input in `count` deltas of four bytes: 1 MB is 250,000 of them."""
    whole = json.dumps({"rows": ["x" * 30] * (count * 4 // 34)})
    yield {"type": "tool-input-start", "toolCallId": "c", "toolName": "t"}
    for start in range(0, len(whole), 4):
        yield {"type": "tool-input-delta", "toolCallId": "c", "inputTextDelta": whole[start : start + 4]}
    yield {"type": "tool-input-available", "toolCallId": "c", "toolName": "t", "input": json.loads(whole)}


def steps(count: int) -> Iterator[dict[str, object]]:
    """`count` events in steps of ten, each with a tool call and a text."""
    for step in range(count // 10):
        call = f"c{step}"
        yield {"type": "start-step"}
        yield {"type": "tool-input-available", "toolCallId": call, "toolName": "t", "input": {}}
        yield {"type": "tool-output-available", "toolCallId": call, "output": [step]}
        yield {"type": "text-start", "id": "0"}
        for _ in range(4):
            yield {"type": "text-delta", "id": "0", "delta": "word "}
        yield {"type": "text-end", "id": "0"}
        yield {"type": "finish-step"}


def microseconds(events: list[SSEEvent]) -> float:
    """Processor time per event to accumulate them and look at the message once."""
    parser = SSEStreamParser()
    start = time.process_time()
    for event in events:
        parser.process_event(event)
    _ = parser.message.parts[-1]
    return (time.process_time() - start) / len(events) * 1e6


def main() -> None:
    """Print a line for each kind of answer."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    for kind, long in ((text, LONG), (reasoning, LONG), (tool_input, 250_000), (steps, LONG)):
        sizes = {count: [parse_sse_event(chunk) for chunk in kind(count)] for count in (SHORT, long)}
        times: dict[int, list[float]] = {count: [] for count in sizes}
        for _ in range(runs):
            for count, events in sizes.items():
                repeats = max(1, long // count // 20)
                times[count].append(statistics.median(microseconds(events) for _ in range(repeats)))
        short, full = (statistics.median(each) for each in times.values())
        print(f"{kind.__name__:11} {short:6.2f} us/event at {SHORT}, {full:6.2f} at {long}, ratio {full / short:.2f}")


if __name__ == "__main__":
    main()
