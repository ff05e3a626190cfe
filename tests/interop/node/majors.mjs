// The majors of the AI SDK behind one interface: everything that differs between them in how a
// server is written is here, so that a scenario is written once and run by each.

import * as ai6 from "ai-v6";
import { MockLanguageModelV3 } from "ai-v6/test";
import * as ai7 from "ai-v7";
import { MockLanguageModelV4 } from "ai-v7/test";

// The SDK would write its deprecation and compatibility notes to the output of the tests.
globalThis.AI_SDK_LOG_WARNINGS = false;

const v6 = {
  ai: ai6,
  MockLanguageModel: MockLanguageModelV3,
  fileData: (base64) => base64,
  approvalSettings: ({ tools, askFirst }) => ({
    tools: Object.fromEntries(
      Object.entries(tools).map(([name, tool]) => [
        name,
        askFirst.includes(name) ? { ...tool, needsApproval: true } : tool,
      ]),
    ),
  }),
  toUIMessageStream: (result, tools, options) => result.toUIMessageStream(options),
  whenEnded: (callback) => ({ onFinish: callback }),
};

const v7 = {
  ai: ai7,
  MockLanguageModel: MockLanguageModelV4,
  fileData: (base64) => ({ type: "data", data: base64 }),
  approvalSettings: ({ tools, askFirst, whyAsked, automatic }) => ({
    tools,
    toolApproval: {
      ...Object.fromEntries(
        askFirst.map((name) => [name, { type: "user-approval", reason: whyAsked }]),
      ),
      ...automatic,
    },
  }),
  toUIMessageStream: (result, tools, options) =>
    ai7.toUIMessageStream({ stream: result.stream, tools, ...options }),
  whenEnded: (callback) => ({ onEnd: callback }),
};

export const majors = { v6, v7 };
