// What the SDK itself makes of a stream: read from the bytes that were sent, through the parser,
// the chunk schema and the message builder that the SDK's own client uses.

export async function whatTheSdkSays(major, record) {
  const chunks = [];
  const errors = [];
  let snapshots = 0;
  let message = record.previous;
  const states = major.ai.readUIMessageStream({
    message: structuredClone(record.previous),
    stream: chunkStream(major, record.bytes, chunks),
    onError: (error) => errors.push(error instanceof Error ? error.message : String(error)),
  });
  for await (message of states) snapshots += 1;
  const parts = message?.parts ?? [];
  return {
    message: message ?? null,
    snapshots,
    text: parts
      .filter(major.ai.isTextUIPart)
      .map((part) => part.text)
      .join(""),
    toolCalls: parts.filter(major.ai.isToolUIPart).map((part) => toolCall(major, part)),
    usage: chunks.findLast((chunk) => chunk.type === "data-usage")?.data ?? null,
    finishReason: record.end?.finishReason ?? null,
    errors,
    aborted: record.end?.isAborted ?? false,
    chunks,
  };
}

/** The chunks for the reader; what was on the wire, before the schema saw it, goes to `seen`. */
function chunkStream(major, bytes, seen) {
  const { parseJsonEventStream, uiMessageChunkSchema } = major.ai;
  return parseJsonEventStream({
    stream: ReadableStream.from(bytes),
    schema: uiMessageChunkSchema,
  }).pipeThrough(
    new TransformStream({
      transform(result, controller) {
        seen.push(result.rawValue);
        if (!result.success) throw result.error;
        controller.enqueue(result.value);
      },
    }),
  );
}

function toolCall(major, part) {
  return {
    toolCallId: part.toolCallId,
    toolName: major.ai.getToolName(part),
    state: part.state,
    input: part.input ?? null,
    output: part.output ?? null,
    errorText: part.errorText ?? null,
  };
}
