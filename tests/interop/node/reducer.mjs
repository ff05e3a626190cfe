// What the real AI SDK makes of a sequence of chunks, said by its public `readUIMessageStream`.
//
// Each line of the input is one JSON request, `{ major, message?, chunks }`; each line of the output answers one:
//   changes   [[index, message], ...]  every snapshot, with the index of the chunk that made it
//   refused   the index of the chunk at which the SDK gave up, or null
//   errors    what `error` chunks said
// The process ends when its input does.

import * as v5 from "ai-v5";
import * as v6 from "ai-v6";
import * as v7 from "ai-v7";

globalThis.AI_SDK_LOG_WARNINGS = false;

const majors = { v5, v6, v7 };

/** Lets everything run that the last chunk has set off: streams and promises are done before the next immediate. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

async function read({ major, message, chunks }) {
  const answer = { changes: [], refused: null, errors: [] };
  let index = 0;
  let source;
  const states = majors[major].readUIMessageStream({
    message: message ?? undefined,
    stream: new ReadableStream({ start: (controller) => (source = controller) }),
    onError: (error) => {
      if (chunks[index]?.type === "error") answer.errors.push(error.message);
      else answer.refused = index;
    },
  });
  const reading = (async () => {
    for await (const state of states) answer.changes.push([index, state]);
  })();
  // One chunk at a time, so that each change and each refusal belongs to the chunk that is being read.
  for (; index < chunks.length && answer.refused === null; index += 1) {
    source.enqueue(chunks[index]);
    await settled();
  }
  if (answer.refused === null) source.close();
  await reading;
  return answer;
}

/** The lines of the input, split at "\n" alone: U+2028 may stand inside of one. */
async function* lines(input) {
  let rest = "";
  for await (const data of input.setEncoding("utf8")) {
    const pieces = (rest + data).split("\n");
    rest = pieces.pop();
    yield* pieces;
  }
}

for await (const line of lines(process.stdin)) {
  process.stdout.write(`${JSON.stringify(await read(JSON.parse(line)))}\n`);
}
