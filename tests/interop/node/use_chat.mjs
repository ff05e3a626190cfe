// A browser's side of a chat: `Chat` of @ai-sdk/react, which is what `useChat` wraps, with `DefaultChatTransport`.
//
// Each line of the input is one JSON command for the chat `name`; what a page would draw is written after every change, as
// `{ name, status, error, messages }`. Commands:
//   open     { major, api, id? }   id: a UUID of the browser's own, if none is given
//   send     { text }              answer   { id, approved, reason? }
//   stop, regenerate
// The process ends when its input does.

import { createInterface } from "node:readline";
import * as react6 from "ai-react-v6";
import * as react7 from "ai-react-v7";
import * as ai6 from "ai-v6";
import * as ai7 from "ai-v7";

globalThis.AI_SDK_LOG_WARNINGS = false;

const majors = { v6: [ai6, react6], v7: [ai7, react7] };
const chats = new Map();

function open({ name, major, api, id }) {
  const [ai, react] = majors[major];
  // As docs/web-backends.md has it.
  const chat = new react.Chat({
    ...(id ? { id } : {}),
    generateId: () => crypto.randomUUID(),
    transport: new ai.DefaultChatTransport({ api }),
    sendAutomaticallyWhen: ai.lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  const draw = () => {
    const { status, error, messages } = chat;
    process.stdout.write(`${JSON.stringify({ name, status, error: error?.message ?? null, messages })}\n`);
  };
  // What useChat subscribes to.
  for (const part of ["Messages", "Status", "Error"]) chat[`~register${part}Callback`](draw);
  chats.set(name, chat);
}

const commands = {
  send: (chat, { text }) => chat.sendMessage({ text }),
  answer: (chat, { id, approved, reason }) => chat.addToolApprovalResponse({ id, approved, reason }),
  stop: (chat) => chat.stop(),
  regenerate: (chat) => chat.regenerate(),
};

for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.do === "open") open(command);
  else void commands[command.do](chats.get(command.name), command);
}
process.exit();
