// What a language model says, as the parts that the mock models of the SDK stream. The part types
// used here are the same in the specifications V3 (ai 6) and V4 (ai 7).

const USAGE = {
  inputTokens: { total: 12, noCache: 7, cacheRead: 3, cacheWrite: 2 },
  outputTokens: { total: 9, text: 5, reasoning: 4 },
};

// Long enough that every part leaves in a write of its own, so that the client sees a real stream.
const DELAY_BETWEEN_PARTS_MS = 1;

// Cuts the JSON of an input inside of keys, strings and escapes, as the tokens of a model do.
const INPUT_PIECE = /[^]{1,7}/gu;

export function text(...deltas) {
  return [
    { type: "text-start", id: "t1" },
    ...deltas.map((delta) => ({ type: "text-delta", id: "t1", delta })),
    { type: "text-end", id: "t1" },
  ];
}

export function reasoning(...deltas) {
  return [
    { type: "reasoning-start", id: "r1" },
    ...deltas.map((delta) => ({ type: "reasoning-delta", id: "r1", delta })),
    { type: "reasoning-end", id: "r1", providerMetadata: { mock: { signature: "signed" } } },
  ];
}

export function toolCall(toolCallId, toolName, input) {
  const json = JSON.stringify(input);
  return [
    { type: "tool-input-start", id: toolCallId, toolName },
    ...json.match(INPUT_PIECE).map((delta) => ({ type: "tool-input-delta", id: toolCallId, delta })),
    { type: "tool-input-end", id: toolCallId },
    { type: "tool-call", toolCallId, toolName, input: json },
  ];
}

export function finish(reason) {
  return [{ type: "finish", usage: USAGE, finishReason: { unified: reason, raw: reason } }];
}

/** A model that answers the n-th call since the last user message with the n-th step. */
export function scriptedModel(major, steps) {
  return new major.MockLanguageModel({
    doStream: async ({ prompt }) => {
      const lastUser = prompt.findLastIndex((message) => message.role === "user");
      const since = prompt.slice(lastUser + 1);
      const done = since.filter((message) => message.role === "assistant").length;
      const context = {
        major,
        turn: prompt.filter((message) => message.role === "user").length,
        results: toolResults(since),
      };
      const chunks = [
        { type: "stream-start", warnings: [] },
        ...steps[Math.min(done, steps.length - 1)](context),
      ];
      const chunkDelayInMs = DELAY_BETWEEN_PARTS_MS;
      return { stream: major.ai.simulateReadableStream({ chunks, chunkDelayInMs }) };
    },
  });
}

function toolResults(messages) {
  return messages
    .filter((message) => message.role === "tool")
    .flatMap((message) => message.content)
    .filter((part) => part.type === "tool-result");
}
