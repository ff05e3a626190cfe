"""Read a recorded stream without a connection, and accumulate it.

Run: uv run python examples/parser.py
"""

import json

from kai_client import SSEStreamParser, parse_sse_event

RECORDED = """
{"type": "start", "messageId": "m1"}
{"type": "start-step"}
{"type": "tool-input-available", "toolCallId": "c1", "toolName": "get_tables", "input": {"bucket": "in.c-crm"}}
{"type": "tool-output-available", "toolCallId": "c1", "output": ["customers"]}
{"type": "text-delta", "id": "0", "delta": "You have "}
{"type": "text-delta", "id": "0", "delta": "one table."}
{"type": "finish", "finishReason": "stop"}
{"type": "data-usage", "data": {"promptTokens": 20, "completionTokens": 6}}
"""


def main() -> None:
    parser = SSEStreamParser()
    for line in RECORDED.strip().splitlines():
        parser.process_event(parse_sse_event(json.loads(line)))

    print(parser.text)
    for call in parser.tool_calls.values():
        print(f"{call.tool_name}({call.input}) -> {call.output}, {call.state}")
    print(f"{parser.total_tokens} tokens, finish reason {parser.finish_reason!r}")


if __name__ == "__main__":
    main()
