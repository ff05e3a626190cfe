// The conversations. A scenario is a script of model steps, one per call of the model since the
// last user message, and what the server around the model does:
//   steps      functions of {major, turn, results} that give the parts the model streams
//   tools      a function of the SDK that gives the tools
//   askFirst   names of the tools that wait for the approval of the user
//   automatic  what version 7 decides by itself about tools: `approved`, `denied`
//   whyAsked   the reason that version 7 gives for asking
//   secret     with which the SDK signs its requests and checks them when they come back
//   forgets    whether the server does not tell the stored messages
//   trusting   whether the server takes messages that the SDK does not accept
//   uiOptions  options of the SDK's conversion into a UI message stream
//   stopAfter  number of text deltas after which the server aborts the model
//   write      takes the UI message stream and writes what the client shall get

import { z } from "zod";
import { finish, reasoning, text, toolCall } from "./model.mjs";
import { runScenarios } from "./runs.mjs";
import {
  bucketTool,
  callsQuery,
  queryTool,
  saysItCouldNot,
  saysWhatBecameOfTheCalls,
  saysWhatItWasTold,
} from "./tools.mjs";

const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

async function writeDataAround(stream, result, writer) {
  writer.write({ type: "data-waiting-status", data: { phase: "waiting" }, transient: true });
  for await (const chunk of stream) {
    writer.write(chunk);
    if (chunk.type === "start-step") {
      writer.write({ type: "data-progress", id: "p1", data: { done: 0, of: 2, label: "begins" } });
    }
    if (chunk.type === "text-end") {
      writer.write({ type: "data-note", data: ["no id", null, 1.5] });
      writer.write({ type: "data-progress", id: "p1", data: { done: 2, of: 2 } });
      writer.write({ type: "data-chat-title", data: "A título" });
    }
  }
  writer.write({ type: "data-usage", data: kaiUsage(await result.totalUsage) });
}

function kaiUsage({ inputTokens, outputTokens, totalTokens, ...details }) {
  return {
    promptTokens: inputTokens,
    completionTokens: outputTokens,
    totalTokens,
    cacheReadTokens: details.inputTokenDetails.cacheReadTokens,
    cacheWriteTokens: details.inputTokenDetails.cacheWriteTokens,
    reasoningTokens: details.outputTokenDetails.reasoningTokens,
  };
}

export const scenarios = {
  text: {
    steps: [
      () => [
        ...text("Hello", ", ", "duck 🦆", " and one\u2028two\u2029three\u0085four", "\nend."),
        ...finish("stop"),
      ],
    ],
  },

  steps: {
    tools: (ai) => ({
      query: queryTool(ai, async ({ sql }) => ({ rows: [{ sql, price: "5 €" }], more: null })),
    }),
    steps: [
      ({ turn }) => [
        ...text("Let me ", "look."),
        ...toolCall(`call-${turn}-1`, "query", { sql: 'SELECT "ü" FROM t', limit: 5 }),
        ...finish("tool-calls"),
      ],
      ({ turn }) => [
        ...toolCall(`call-${turn}-2`, "query", { sql: "SELECT 2" }),
        ...finish("tool-calls"),
      ],
      () => [...text("There are ", "two rows."), ...finish("stop")],
    ],
  },

  reasoning: {
    steps: [
      () => [...reasoning("First ", "I think."), ...text("Then ", "I speak."), ...finish("stop")],
    ],
  },

  "sources-files": {
    uiOptions: { sendSources: true },
    steps: [
      ({ major }) => [
        {
          type: "source",
          sourceType: "url",
          id: "s1",
          url: "https://example.com/a?b=c",
          title: "A page",
          providerMetadata: { mock: { rank: 1 } },
        },
        {
          type: "source",
          sourceType: "document",
          id: "s2",
          mediaType: "application/pdf",
          title: "A document",
          filename: "a.pdf",
        },
        { type: "file", mediaType: "image/png", data: major.fileData(PIXEL) },
        ...text("See ", "the sources."),
        ...finish("stop"),
      ],
    ],
  },

  "data-usage": {
    write: writeDataAround,
    steps: [() => [...text("Counted ", "tokens."), ...finish("stop")]],
  },

  "tool-fails": {
    tools: (ai) => ({
      query: queryTool(ai, async () => {
        throw new Error("The warehouse is closed");
      }),
    }),
    steps: [callsQuery, saysItCouldNot],
  },

  "invalid-input": {
    tools: (ai) => ({ query: queryTool(ai, async () => "never called") }),
    steps: [
      ({ turn }) => [
        ...toolCall(`call-${turn}-1`, "query", { sql: 1, limit: "many" }),
        ...finish("tool-calls"),
      ],
      saysItCouldNot,
    ],
  },

  "unknown-tool": {
    tools: (ai) => ({ query: queryTool(ai, async () => "never called") }),
    steps: [
      ({ turn }) => [
        ...toolCall(`call-${turn}-1`, "no_such_tool", { a: 1 }),
        ...finish("tool-calls"),
      ],
      saysItCouldNot,
    ],
  },

  approval: {
    tools: (ai) => ({ create_bucket: bucketTool(ai) }),
    askFirst: ["create_bucket"],
    steps: [
      ({ turn }) => [
        ...text("I need ", "your consent."),
        ...toolCall(`call-${turn}-1`, "create_bucket", { name: "sales" }),
        ...finish("tool-calls"),
      ],
      saysWhatBecameOfTheCalls,
    ],
  },

  "two-approvals": {
    tools: (ai) => ({ create_bucket: bucketTool(ai) }),
    askFirst: ["create_bucket"],
    steps: [
      ({ turn }) => [
        ...toolCall(`call-${turn}-1`, "create_bucket", { name: "sales" }),
        ...toolCall(`call-${turn}-2`, "create_bucket", { name: "stock" }),
        ...finish("tool-calls"),
      ],
      saysWhatItWasTold,
    ],
  },

  "dynamic-tool": {
    tools: (ai) => ({
      mcp_search: ai.dynamicTool({
        description: "A tool whose schema is known at run time only",
        title: "Search",
        inputSchema: z.object({ term: z.string() }),
        execute: async ({ term }) => [`${term} found`],
      }),
    }),
    steps: [
      ({ turn }) => [
        ...toolCall(`call-${turn}-1`, "mcp_search", { term: "orders" }),
        ...finish("tool-calls"),
      ],
      () => [...text("Found ", "it."), ...finish("stop")],
    ],
  },

  preliminary: {
    tools: (ai) => ({
      query: queryTool(ai, async function* () {
        yield { status: "running", rows: 0 };
        yield { status: "running", rows: 10 };
        yield { status: "done", rows: 12 };
      }),
    }),
    steps: [callsQuery, () => [...text("All ", "12 rows."), ...finish("stop")]],
  },

  // Says something and then nothing more, as kai-agent does while it waits for an approval.
  silent: {
    tools: (ai) => ({ query: queryTool(ai, () => new Promise(() => {})) }),
    steps: [({ turn }) => [...text("Working ", "on it."), ...callsQuery({ turn })]],
  },

  "client-tool": {
    tools: (ai) => ({ query: queryTool(ai) }),
    steps: [callsQuery, saysWhatItWasTold],
  },

  "error-midstream": {
    steps: [
      () => [
        ...text("This goes ", "well").slice(0, -1),
        { type: "error", error: new Error("The model is overloaded") },
        ...finish("error"),
      ],
    ],
  },

  abort: {
    stopAfter: 2,
    steps: [() => [...text("This ", "will ", "never ", "end"), ...finish("stop")]],
  },

  metadata: {
    uiOptions: {
      messageMetadata: ({ part }) =>
        ({
          start: { model: { name: "mock", tags: ["a", "b"] }, seen: null },
          "finish-step": { model: { tags: ["c"] } },
          finish: { model: { region: "eu" }, totalTokens: part.totalUsage?.totalTokens },
        })[part.type],
    },
    steps: [() => [...text("With ", "metadata."), ...finish("stop")]],
  },

  ...runScenarios,
};
