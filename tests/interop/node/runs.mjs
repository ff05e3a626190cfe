// Conversations that go on over several posts: the calls of their models wait for the user, or for
// a result from the client. The fields are those of `scenarios.mjs`.

import { z } from "zod";
import { text } from "./model.mjs";
import { bucketTool, calls, queryTool, saysWhatItWasTold } from "./tools.mjs";

const SALES = ["create_bucket", { name: "sales" }];
const STOCK = ["create_bucket", { name: "stock" }];
const SHOPS = ["create_bucket", { name: "shops" }];
const QUERY = ["query", { sql: "SELECT 1" }];

const asksForBucket = {
  tools: (ai) => ({ create_bucket: bucketTool(ai) }),
  askFirst: ["create_bucket"],
  steps: [calls(1, SALES), saysWhatItWasTold],
};

/** Three calls in one step: one that waits, one that `automatic` decides, one that just runs. */
const asksForOneOfThree = {
  tools: (ai) => ({
    create_bucket: bucketTool(ai),
    query: queryTool(ai, async ({ sql }) => ({ rows: [sql] })),
    now: ai.tool({
      description: "The time",
      inputSchema: z.object({}),
      execute: async () => "noon",
    }),
  }),
  askFirst: ["create_bucket"],
  steps: [calls(1, QUERY, SALES, ["now", {}]), saysWhatItWasTold],
};

const signsRequests = {
  ...asksForBucket,
  secret: "only the server knows it",
  // The default says of every error only that there was one.
  uiOptions: { onError: (error) => `${error.name}: ${error.message}` },
};

// What the model wrote is not what the tool takes: when it asks, the SDK sends both.
const changesInput = {
  ...asksForBucket,
  tools: (ai) => ({
    create_bucket: ai.tool({
      description: "Creates a bucket",
      inputSchema: z.object({ name: z.string().transform((name) => `c-${name}`) }),
      execute: async ({ name }) => ({ created: `in.${name}` }),
    }),
  }),
};

async function describeRequests(stream, result, writer) {
  for await (const chunk of stream) {
    const asks = chunk.type === "tool-approval-request";
    writer.write(asks ? { ...chunk, approvalDescriptor: { risk: ["high", null] } } : chunk);
  }
}

export const runScenarios = {
  "three-approvals": {
    ...asksForBucket,
    steps: [
      (context) => [...text("First ", "this."), ...calls(1, SALES)(context)],
      calls(2, STOCK),
      (context) => [...text("And ", "this."), ...calls(3, SHOPS)(context)],
      saysWhatItWasTold,
    ],
  },

  "one-of-three": asksForOneOfThree,
  "automatic-yes": {
    ...asksForOneOfThree,
    automatic: { query: { type: "approved", reason: "It only reads" } },
  },
  "automatic-no": {
    ...asksForOneOfThree,
    automatic: { query: { type: "denied", reason: "The warehouse is closed" } },
  },

  signed: signsRequests,
  "signed-forgotten": { ...signsRequests, forgets: true },

  "changed-input": changesInput,
  "changed-input-forgotten": { ...changesInput, forgets: true },

  described: { ...asksForBucket, whyAsked: "It writes", write: describeRequests },

  "dynamic-approval": {
    tools: (ai) => ({
      mcp_write: ai.dynamicTool({
        description: "A tool whose schema is known at run time only",
        title: "Write",
        inputSchema: z.object({ term: z.string() }),
        execute: async ({ term }) => [`${term} written`],
      }),
    }),
    askFirst: ["mcp_write"],
    steps: [calls(1, ["mcp_write", { term: "orders" }]), saysWhatItWasTold],
  },

  "client-tools-and-approval": {
    tools: (ai) => ({ create_bucket: bucketTool(ai), query: queryTool(ai) }),
    askFirst: ["create_bucket"],
    steps: [calls(1, QUERY, SALES, ["query", { sql: "SELECT 2" }]), saysWhatItWasTold],
  },

  "client-tool-trusting": {
    tools: (ai) => ({ query: queryTool(ai) }),
    trusting: true,
    steps: [calls(1, QUERY), saysWhatItWasTold],
  },

  "asked-client-tool": {
    tools: (ai) => ({ query: queryTool(ai) }),
    askFirst: ["query"],
    steps: [calls(1, QUERY), saysWhatItWasTold],
  },

  "automatic-client-tool": {
    tools: (ai) => ({ query: queryTool(ai) }),
    automatic: { query: "approved" },
    steps: [calls(1, QUERY), saysWhatItWasTold],
  },
};
