/** Runs or resumes an agent whose process may be killed around the writing of its result. */
import { withMiddleware, wrapModel } from "@evenkeel/core";
import type { ResultStore } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { crashPoint, reportResult, scriptedModel } from "@evenkeel/testing";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { Pool } from "pg";

import { toolResultOffloadMiddleware } from "../../src/index.ts";

const [connectionString = "", schema = "", thread = "", act = "start"] = process.argv.slice(2);

const pool = new Pool({ connectionString });
const results = evenkeelPostgres(pool, { schema: `${schema}_results` });
const store: ResultStore = {
  ...results,
  writeResult(owner, startedAt) {
    const writer = results.writeResult(owner, startedAt);
    return {
      ...writer,
      async write(chunk) {
        await writer.write(chunk);
        // Some chunks are in the database by then, and their content has no name yet.
        if (chunk.index === 20) crashPoint("result:half");
      },
      async commit(result) {
        const stored = await writer.commit(result);
        crashPoint("result:stored");
        return stored;
      },
    };
  },
};
const log = tool(() => "a line of the log\n".repeat(100_000), {
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
const config = { configurable: { thread_id: thread }, durability: "sync" };
const { messages } = await agent.invoke(input, config);
reportResult(messages.filter((message) => ToolMessage.isInstance(message)).map(({ text }) => text));
await pool.end();
