// The tools of the scenarios, and what their models say about calls.

import { z } from "zod";
import { finish, text, toolCall } from "./model.mjs";

export const queryTool = (ai, execute) =>
  ai.tool({
    description: "Runs a query",
    inputSchema: z.object({ sql: z.string(), limit: z.number().optional() }),
    execute,
  });

export const bucketTool = (ai) =>
  ai.tool({
    description: "Creates a bucket",
    inputSchema: z.object({ name: z.string() }),
    execute: async ({ name }) => ({ created: `in.c-${name}` }),
  });

export const saysWhatBecameOfTheCalls = ({ results }) => {
  const outcome = ({ toolCallId, output }) =>
    `${toolCallId} ${output.type === "execution-denied" ? "was refused" : "was done"}`;
  // The majors hand the results to the model in different orders.
  return [...text("So: ", results.map(outcome).sort().join(", "), "."), ...finish("stop")];
};

export const saysItCouldNot = () => [...text("That ", "did not work."), ...finish("stop")];

export const callsQuery = ({ turn }) => [
  ...toolCall(`call-${turn}-1`, "query", { sql: "SELECT 1" }),
  ...finish("tool-calls"),
];

/** The model repeats what it was told of its calls: kind of each result, value or reason. */
export const saysWhatItWasTold = ({ results }) => {
  const told = ({ toolCallId, output }) =>
    `${toolCallId} ${output.type} ${JSON.stringify(output.value ?? output.reason ?? null)}`;
  // The majors hand the results to the model in different orders.
  return [...text("Told: ", results.map(told).sort().join(", "), "."), ...finish("stop")];
};

/** A step that calls tools: `[name, input]` each, under ids that no other call of the chat has. */
export const calls =
  (step, ...wanted) =>
  ({ turn }) => [
    ...wanted.flatMap(([name, input], index) =>
      toolCall(`call-${turn}-${step + index}`, name, input),
    ),
    ...finish("tool-calls"),
  ];
