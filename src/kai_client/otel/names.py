"""The names of the semantic conventions, as far as they are used here.

Those that begin with `gen_ai` are of the GenAI conventions, which are not stable: in Python they are only in the private module
`opentelemetry.semconv._incubating`. The tests compare these with it. Names that begin with `kai` are our own.
"""

from typing import Final

PROVIDER: Final = "keboola"
AGENT: Final = "kai"

OPERATION_NAME: Final = "gen_ai.operation.name"
PROVIDER_NAME: Final = "gen_ai.provider.name"
AGENT_NAME: Final = "gen_ai.agent.name"
CONVERSATION_ID: Final = "gen_ai.conversation.id"
REQUEST_MODEL: Final = "gen_ai.request.model"
REQUEST_STREAM: Final = "gen_ai.request.stream"
RESPONSE_ID: Final = "gen_ai.response.id"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHE_READ_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_creation.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
TOKEN_TYPE: Final = "gen_ai.token.type"  # noqa: S105 - no token of that kind
TOOL_NAME: Final = "gen_ai.tool.name"
TOOL_TYPE: Final = "gen_ai.tool.type"
TOOL_CALL_ID: Final = "gen_ai.tool.call.id"

INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
TOOL_ARGUMENTS: Final = "gen_ai.tool.call.arguments"
TOOL_RESULT: Final = "gen_ai.tool.call.result"

CHAT: Final = "chat"
INVOKE_AGENT: Final = "invoke_agent"
EXECUTE_TOOL: Final = "execute_tool"

OPERATION_DURATION: Final = "gen_ai.client.operation.duration"
OPERATION_FIRST_CHUNK: Final = "gen_ai.client.operation.time_to_first_chunk"
TOKEN_USAGE: Final = "gen_ai.client.token.usage"  # noqa: S105 - likewise

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
ERROR_TYPE: Final = "error.type"
HTTP_METHOD: Final = "http.request.method"
HTTP_STATUS: Final = "http.response.status_code"
URL_TEMPLATE: Final = "url.template"
MESSAGING_SYSTEM: Final = "messaging.system"
MESSAGING_DESTINATION: Final = "messaging.destination.name"

OUTCOME: Final = "kai.outcome"
"""`complete`, `failed`, `cancelled`, `closed` (left before its end), or `dropped` (never closed)."""
ERROR_CLASS: Final = "kai.error.class"
REQUEST_ID: Final = "kai.request.id"
WAITED: Final = "kai.decision.seconds"
DECISION: Final = "kai.decision"
TOOL_STATE: Final = "kai.tool.state"
ATTEMPT: Final = "kai.retry.attempt"
RETRY_WAIT: Final = "kai.retry.wait"
FOUND: Final = "kai.recovery.found"

TOOL_CALL_EVENT: Final = "kai.tool_call"
RETRY_EVENT: Final = "kai.retry"
RECOVERY_EVENT: Final = "kai.recovery"
