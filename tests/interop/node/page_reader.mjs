// What the AI SDK in a browser makes of the bytes of a response: its own transport reads and checks them, its own reducer
// makes a message of them.
//
// Each line of the input is one JSON request, `{ major, body }`; each line of the output answers one:
//   message   the message at the end, or null
//   refused   why the SDK gave up, or null
//   told      what an `error` chunk said, or null
// The process ends when its input does.

import { createInterface } from "node:readline";
import * as v6 from "ai-v6";
import * as v7 from "ai-v7";

globalThis.AI_SDK_LOG_WARNINGS = false;

const majors = { v6, v7 };

async function read({ major, body }) {
  const { DefaultChatTransport, readUIMessageStream } = majors[major];
  const answer = { message: null, refused: null, told: null };
  const transport = new DefaultChatTransport({ fetch: async () => new Response(body) });
  let told;
  try {
    const chunks = await transport.sendMessages({ chatId: "c", messages: [], trigger: "submit-message" });
    const seen = chunks.pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          if (chunk.type === "error") told ??= chunk.errorText;
          controller.enqueue(chunk);
        },
      }),
    );
    const onError = (error) => {
      if (error.message === told) answer.told = told;
      else answer.refused ??= String(error);
    };
    for await (const message of readUIMessageStream({ stream: seen, onError })) answer.message = message;
  } catch (error) {
    answer.refused ??= String(error);
  }
  return answer;
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await read(JSON.parse(line)))}\n`);
}
