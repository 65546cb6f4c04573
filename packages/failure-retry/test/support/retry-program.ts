import { withMiddleware, wrapModel } from "@evenkeel/core";
import { crashPoint, reportResult } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, createReactAgent, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { createAgent, createMiddleware } from "langchain";
import pg from "pg";
import { z } from "zod";

import { failureRetryMiddleware } from "../../src/index.ts";
import type { RetryJob, RetryReport } from "./retry-job.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as RetryJob;
const points: Record<string, number> = {};

function point(name: string): void {
  points[name] = (points[name] ?? 0) + 1;
  crashPoint(name);
}

/** Dies before and after each write of a checkpoint, and of what tasks wrote beside one. */
class CrashingSaver extends PostgresSaver {
  override async put(...parameters: Parameters<PostgresSaver["put"]>): Promise<RunnableConfig> {
    point("before put");
    const written = await super.put(...parameters);
    point("after put");
    return written;
  }

  override async putWrites(...parameters: Parameters<PostgresSaver["putWrites"]>): Promise<void> {
    point("before writes");
    await super.putWrites(...parameters);
    point("after writes");
  }
}

const pool = new pg.Pool({ connectionString: job.database, max: 4 });
const log = async (name: string, detail: unknown): Promise<void> => {
  const values = [job.thread, name, JSON.stringify(detail)];
  await pool.query(
    `insert into ${job.schema}.retry_log (thread, name, detail) values ($1, $2, $3)`,
    values,
  );
};

const pay = tool(
  async ({ euros }) => {
    await log("pay", { euros });
    return `paid ${euros}`;
  },
  { name: "pay", description: "Pays.", schema: z.object({ euros: z.number() }) },
);
const lookUp = tool(
  async ({ shelf }) => {
    await log("look_up", { shelf });
    point("tool");
    if (shelf < 3) throw new Error(`shelf ${shelf} is empty`);
    return `shelf ${shelf} holds it`;
  },
  { name: "look_up", description: "Looks on a shelf.", schema: z.object({ shelf: z.number() }) },
);

const checkpointer = new CrashingSaver(pool, undefined, { schema: job.schema });
const model = new ChatOpenAI({
  model: "gpt-5.2",
  apiKey: "none-needed-locally",
  maxRetries: 0,
  configuration: {
    baseURL: job.url,
    fetch: async (...request: Parameters<typeof fetch>) => {
      const response = await fetch(...request);
      point("model");
      return response;
    },
  },
});
const tools = [pay, lookUp];
const toolNode = new ToolNode(tools, { handleToolErrors: false });
// Under one of the user's own, LangChain lets what a tool throws end the run.
const throwing = createMiddleware({
  name: "ThrowingTools",
  wrapToolCall: (request, handler) => handler(request),
});

function graph(): object {
  if (job.kind === "createAgent") {
    return createAgent({ model, tools, checkpointer, middleware: [throwing] });
  }
  if (job.kind === "createReactAgent") {
    return createReactAgent({ llm: wrapModel(model), tools: toolNode, checkpointer });
  }
  const bound = wrapModel(model).bindTools(tools);
  return new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
    .addNode("tools", toolNode)
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({ checkpointer });
}

const events: string[] = [];
const agent = withMiddleware(
  graph(),
  [failureRetryMiddleware({ initialInterval: 0, jitter: false, effectTools: ["pay"] })],
  {
    onEvent: ({ name, attempt }) => {
      events.push(`${name} ${attempt}`);
      point(name);
    },
  },
) as unknown as { invoke(input: unknown, config: object): Promise<{ messages: BaseMessage[] }> };

const config = { configurable: { thread_id: job.thread } };
const durable = (await checkpointer.getTuple(config)) !== undefined;
const input = job.act === "start" || !durable ? { messages: [new HumanMessage("Please.")] } : null;
const result = await agent.invoke(input, config);
const tuple = await checkpointer.getTuple(config);
const identity = (
  tuple?.checkpoint.channel_values["_execution"] as { d: { attempt: number; sequence: number } }
).d;
reportResult({
  text: result.messages.at(-1)?.text ?? "",
  events,
  attempt: identity.attempt,
  sequence: identity.sequence,
  points,
} satisfies RetryReport);
await pool.end();
