// An HTTP server whose chat streams are made by the real AI SDK. `/{major}/{scenario}` is a base
// URL for a Kai client; next to its API the server says what the SDK makes of the same stream:
//   POST /{major}/{scenario}/api/chat         the stream
//   GET  /{major}/{scenario}/api/chat/{id}    the stored messages
//   GET  /{major}/{scenario}/expected/{id}    what the SDK says about the last stream
//   GET  /{major}/{scenario}/bytes/{id}       the bytes of the last stream
//   GET  /{major}/{scenario}/posted/{id}      every message that was posted, also those it refused;
//                                             and whether the SDK's own client would have sent it
// It prints {"port": N} when it listens and ends when its standard input does.

import { createServer } from "node:http";
import { json as readJson } from "node:stream/consumers";
import { pipeline } from "node:stream/promises";
import { answer, Chat } from "./chats.mjs";
import { majors } from "./majors.mjs";
import { whatTheSdkSays } from "./reader.mjs";
import { scenarios } from "./scenarios.mjs";

const chats = new Map();
const posts = new Map();

async function handle(request, response) {
  const { pathname } = new URL(request.url, "http://127.0.0.1");
  const [, majorName, scenarioName, ...rest] = pathname.split("/").map(decodeURIComponent);
  const major = Object.hasOwn(majors, majorName) && majors[majorName];
  const scenario = Object.hasOwn(scenarios, scenarioName ?? "") && scenarios[scenarioName];
  if (!major || !scenario) return refuse(response, 404, "not_found:api");
  const key = (id) => JSON.stringify([majorName, scenarioName, id]);
  const [route, id] = routeOf(request.method, rest);
  if (route === "post") return postMessage(major, scenario, key, request, response);
  if (route === "posted") return sendJson(response, 200, posts.get(key(id)) ?? []);
  const chat = route === "messages" && scenario.forgets ? undefined : chats.get(key(id));
  if (!route || !chat) return refuse(response, 404, route ? "not_found:chat" : "not_found:api");
  return show(route, major, id, chat, response);
}

function routeOf(method, path) {
  if (method === "POST" && path.join("/") === "api/chat") return ["post"];
  if (method !== "GET") return [];
  if (path.length === 3 && path[0] === "api" && path[1] === "chat") return ["messages", path[2]];
  return path.length === 2 && ["expected", "bytes", "posted"].includes(path[0]) ? path : [];
}

async function postMessage(major, scenario, key, request, response) {
  const { id, message } = await readJson(request);
  const post = { message, complete: isComplete(major, message) };
  posts.set(key(id), [...(posts.get(key(id)) ?? []), post]);
  const refusal = scenario.trusting ? null : await refusalOf(major, scenario, message);
  if (refusal) return refuse(response, 400, "bad_request:api", refusal);
  if (!chats.has(key(id))) chats.set(key(id), new Chat());
  const chat = chats.get(key(id));
  chat.add(message);
  const { response: made, record } = await answer(major, scenario, chat);
  response.writeHead(made.status, Object.fromEntries(made.headers));
  try {
    await pipeline(made.body, (body) => record.record(body), response);
  } finally {
    record.markSent();
  }
}

/** Whether every call of the last step is answered: what the SDK's client asks before it posts. */
function isComplete(major, message) {
  const messages = [message];
  return (
    major.ai.lastAssistantMessageIsCompleteWithApprovalResponses({ messages }) ||
    major.ai.lastAssistantMessageIsCompleteWithToolCalls({ messages })
  );
}

/** Why the SDK does not accept a message, null if it does; tools have to take the inputs in it. */
async function refusalOf(major, scenario, message) {
  try {
    await major.ai.validateUIMessages({ messages: [message], tools: scenario.tools?.(major.ai) });
    return null;
  } catch (error) {
    return String(error).split("\n", 1)[0];
  }
}

async function show(route, major, id, chat, response) {
  if (route === "messages") return sendJson(response, 200, { id, messages: chat.messages });
  const record = chat.lastStream;
  if (!record) return refuse(response, 404, "not_found:stream");
  await record.sent;
  if (route === "expected") return sendJson(response, 200, await whatTheSdkSays(major, record));
  response.writeHead(200, { "content-type": "application/octet-stream" });
  response.end(Buffer.concat(record.bytes));
}

function sendJson(response, status, value) {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify(value));
}

function refuse(response, status, code, message = code) {
  sendJson(response, status, { code, message });
}

const server = createServer((request, response) => {
  handle(request, response).catch((error) => {
    // A client that leaves in mid-stream is a case of the tests, not a failure of the server.
    if (error.code === "ERR_STREAM_PREMATURE_CLOSE") return;
    console.error(error);
    if (response.headersSent) response.destroy();
    else refuse(response, 500, "offline:chat", String(error));
  });
});

// A kept connection that the server closes just when the client reuses it would be a flaky test.
server.keepAliveTimeout = 0;
server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));

process.stdin.resume().on("close", () => process.exit());
