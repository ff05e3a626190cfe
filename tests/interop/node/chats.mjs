// The chats of the server and the answers that the SDK streams into them.

import { randomUUID } from "node:crypto";
import { scriptedModel } from "./model.mjs";

/** The messages of one chat, and the record of its last stream. */
export class Chat {
  messages = [];
  lastStream = null;

  /**
   * Adds the posted message; the client posts only that one. An assistant message is one of ours
   * that comes back with the decisions of the user in it: it takes the place of the stored one.
   */
  add(message) {
    const known = this.messages.findIndex(({ id }) => id === message.id);
    this.messages = [...this.messages.slice(0, known < 0 ? undefined : known), message];
  }
}

/** What is remembered of a stream: its bytes, and what the SDK reported when it ended. */
class StreamRecord {
  bytes = [];
  end = null;

  constructor(previous) {
    this.previous = previous;
    this.sent = new Promise((resolve) => {
      this.markSent = resolve;
    });
  }

  async *record(body) {
    for await (const bytes of body) {
      this.bytes.push(bytes);
      yield bytes;
    }
  }
}

/** Runs the model over the chat and gives the response that the SDK makes of it. */
export async function answer(major, scenario, chat) {
  const last = chat.messages.at(-1);
  const record = new StreamRecord(last.role === "assistant" ? structuredClone(last) : undefined);
  const ending = major.whenEnded(({ messages, finishReason, isAborted }) => {
    chat.messages = structuredClone(messages);
    record.end = { finishReason, isAborted };
  });
  const persistence = { originalMessages: structuredClone(chat.messages), ...ending };
  const { result, tools } = await run(major, scenario, chat);
  const stream = scenario.write
    ? written(major, scenario, result, tools, persistence)
    : major.toUIMessageStream(result, tools, {
        ...scenario.uiOptions,
        ...persistence,
        generateMessageId: randomUUID,
      });
  chat.lastStream = record;
  return { response: major.ai.createUIMessageStreamResponse({ stream }), record };
}

async function run(major, scenario, chat) {
  const { ai } = major;
  const { askFirst = [], whyAsked, automatic, secret } = scenario;
  const tools = scenario.tools?.(ai) ?? {};
  const settings = major.approvalSettings({ tools, askFirst, whyAsked, automatic });
  const result = ai.streamText({
    ...settings,
    ...stopping(scenario.stopAfter),
    experimental_toolApprovalSecret: secret,
    model: scriptedModel(major, scenario.steps),
    messages: await ai.convertToModelMessages(chat.messages, { tools: settings.tools }),
    stopWhen: ai.stepCountIs(5),
    // The default prints the error, which is part of some scenarios.
    onError: () => {},
  });
  return { result, tools: settings.tools };
}

function stopping(stopAfter) {
  const controller = new AbortController();
  let deltas = 0;
  return {
    abortSignal: controller.signal,
    onChunk: ({ chunk }) => {
      if (chunk.type === "text-delta" && ++deltas === stopAfter) controller.abort("enough of it");
    },
  };
}

function written(major, scenario, result, tools, persistence) {
  return major.ai.createUIMessageStream({
    ...persistence,
    generateId: randomUUID,
    execute: ({ writer }) =>
      scenario.write(
        major.toUIMessageStream(result, tools, { ...scenario.uiOptions }),
        result,
        writer,
      ),
  });
}
