/** Runs or resumes an agent whose process may be killed between the store and the checkpoint. */
import { withMiddleware, wrapModel } from "@evenkeel/core";
import { crashPoint, reportResult, scriptedModel } from "@evenkeel/testing";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { Pool } from "pg";

import {
  createResultStore,
  directoryResults,
  toolResultOffloadMiddleware,
} from "../../src/index.ts";
import type { ResultStore } from "../../src/index.ts";

const [connectionString = "", schema = "", root = "", act = "start"] = process.argv.slice(2);

const results = createResultStore(directoryResults(root));
const store: ResultStore = {
  ...results,
  put: async (...args) => {
    const stored = await results.put(...args);
    crashPoint("result:stored");
    return stored;
  },
};
const log = tool(() => "a line of the log\n".repeat(5_000), {
  name: "fetch_log",
  description: "the log",
  schema: { type: "object", properties: {} },
});
const model = wrapModel(
  scriptedModel([
    { toolCalls: [{ name: "fetch_log", args: {}, id: "call-1" }] },
    { content: "Done." },
  ]),
).bindTools([log]);
const pool = new Pool({ connectionString });
const checkpointer = new PostgresSaver(pool, undefined, { schema });
const graph = new StateGraph(MessagesAnnotation)
  .addNode("agent", async ({ messages }) => ({ messages: [await model.invoke(messages)] }))
  .addNode("tools", new ToolNode([log]))
  .addEdge(START, "agent")
  .addConditionalEdges("agent", toolsCondition)
  .addEdge("tools", "agent")
  .compile({ checkpointer });
const agent = withMiddleware(graph, [toolResultOffloadMiddleware({ store })]) as unknown as {
  invoke(input: object | null, config: object): Promise<{ messages: BaseMessage[] }>;
};

const input = act === "start" ? { messages: [new HumanMessage("Please.")] } : null;
const config = { configurable: { thread_id: "thread-1" }, durability: "sync" };
const { messages } = await agent.invoke(input, config);
reportResult({
  answers: messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text),
  usage: await results.usage(),
});
await pool.end();
