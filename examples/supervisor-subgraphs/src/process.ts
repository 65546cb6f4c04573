import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { withMiddleware, wrapModel } from "@evenkeel/core";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { AIMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { Command } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { PostgresStore } from "@langchain/langgraph-checkpoint-postgres/store";
import { ChatOpenAI } from "@langchain/openai";

import { supportTeam } from "./team.ts";

// One process: it takes the customer's message, or a person's answer, and ends when there is
// nothing to do but wait.
const [release = "monday", answer] = process.argv.slice(2);
const { DATABASE_URL = "", MODEL_URL } = process.env;

const model = new ChatOpenAI({
  model: "gpt-5.2",
  ...(MODEL_URL === undefined
    ? {}
    : { apiKey: "none-needed", configuration: { baseURL: MODEL_URL } }),
});
const attitude = release === "monday" ? "Be kind." : "Be strict: offer store credit.";
const team = supportTeam(wrapModel(model), {
  supervisor: `You lead a support team. Choose who works next. ${attitude}`,
  orders: `You find things out about orders. ${attitude}`,
  refunds: `You pay back what was charged twice. ${attitude}`,
});

const checkpointer = PostgresSaver.fromConnString(DATABASE_URL);
const store = new PostgresStore({ connectionOptions: DATABASE_URL });
await checkpointer.setup();
await store.setup();
const agent = withMiddleware(
  team,
  [configFreezeMiddleware(), toolResultOffloadMiddleware({ maxTokens: 1000 })],
  {
    checkpointer,
    store,
    onEvent({ name, node, detail }) {
      if (name === "result-offloaded") {
        const { bytes, previewBytes } = detail as Record<string, number>;
        console.log(`${node}: of ${bytes} bytes the model is shown ${previewBytes}`);
      }
      if (name === "config-drifted")
        console.log(`${node}: the prompt differs, the frozen one is used`);
    },
  },
);

const content = "I am customer C-7, and one order was charged twice.";
const messages = [{ role: "user", content }];
const thread = { configurable: { thread_id: "case-1" } };
const steps = await agent.stream(
  answer === undefined ? { messages } : new Command({ resume: answer }),
  { ...thread, streamMode: "updates", subgraphs: true },
);
for await (const [namespace, update] of steps) {
  const graphs = namespace.map((part) => part.split(":")[0]);
  for (const [node, value] of Object.entries(update)) {
    if (node !== "__interrupt__") console.log(`${[...graphs, node].join(" > ")}: ${newsOf(value)}`);
  }
}
const { tasks, values } = await agent.getState(thread);
const [pause] = tasks.flatMap(({ interrupts }) => interrupts);
console.log(
  pause === undefined ? `answer: ${values.messages.at(-1)?.text}` : `waits: ${pause.value}`,
);
await checkpointer.end();
await store.stop();

/** What a node's update says: its last message, the tool it calls, or nothing but where to go. */
function newsOf(update: unknown): string {
  const { messages: added = [] } = (update ?? {}) as { messages?: BaseMessage[] };
  const last = added.at(-1);
  if (last === undefined) return "hands the case on";
  const [call] = AIMessage.isInstance(last) ? (last.tool_calls ?? []) : [];
  return call === undefined ? (last.text.split(":")[0] ?? "") : `calls ${call.name}`;
}
