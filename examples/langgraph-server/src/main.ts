import { replyByTurn, startOpenAIEndpoint } from "@evenkeel/testing";
import { Client } from "@langchain/langgraph-sdk";

import { startServer, untilKept } from "./server.ts";
import type { Server } from "./server.ts";

const graphs = ["bare", "agent"];
const releases = {
  monday: { AGENT_PROMPT: "Be kind to customers.", AGENT_TEMPERATURE: "0" },
  tuesday: { AGENT_PROMPT: "Be strict with customers.", AGENT_TEMPERATURE: "0.9" },
};
const input = { messages: [{ role: "user", content: "A1 was charged twice. Refund one charge." }] };

// Without a key a model on this machine answers, which the same client calls.
const script = replyByTurn([
  { toolCalls: [{ name: "refund", args: { order: "A1" } }] },
  { content: "Your order A1 was refunded." },
]);
const local =
  process.env["OPENAI_API_KEY"] === undefined ? await startOpenAIEndpoint({ script }) : undefined;

/** What the model on this machine was told last. */
function told(): string {
  if (local === undefined) return "(see its trace)";
  const { messages = [], temperature } = local.requests.at(-1)?.body ?? {};
  return `${JSON.stringify(messages[0]?.content)} at temperature ${temperature}`;
}

const threads = new Map<string, string>();
let server: Server | undefined;
try {
  console.log("Monday: a customer writes, a person is asked");
  server = await startServer({ ...releases.monday, MODEL_URL: local?.url });
  const before = new Client({ apiUrl: server.url });
  for (const graph of graphs) {
    const { thread_id } = await before.threads.create();
    threads.set(graph, thread_id);
    await before.runs.wait(thread_id, graph, { input });
    console.log(`  ${graph.padEnd(6)}${told()}`);
  }
  await untilKept();
  await server.stop();

  console.log("Tuesday: another release is deployed, the person says yes");
  server = await startServer({ ...releases.tuesday, MODEL_URL: local?.url });
  const after = new Client({ apiUrl: server.url });
  for (const [graph, thread] of threads) {
    const state = await after.runs.wait(thread, graph, { command: { resume: "yes" } });
    const { messages } = state as { messages: { content: string }[] };
    console.log(`  ${graph.padEnd(6)}${told()}: ${messages.at(-1)?.content}`);
  }
} finally {
  await server?.stop();
  await local?.close();
}
