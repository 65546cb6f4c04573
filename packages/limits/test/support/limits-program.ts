/** One process in the life of an execution: it starts, goes on, is killed where `crash()` says so. */
import { wrapModel, withMiddleware } from "@evenkeel/core";
import type { AnyMiddleware, EvenkeelEvent } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { MessagesAnnotation, START, StateGraph } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { toolRetryMiddleware } from "langchain";
import pg from "pg";
import { z } from "zod";

import { reportResult } from "../../../testing/src/crash/child-report.ts";
import { crashPoint } from "../../../testing/src/crash/crash-point.ts";
import { budgetMiddleware, circuitBreakerMiddleware } from "../../src/index.ts";
import { agentOf } from "./agent.ts";
import type { TestGraph, ToolModel } from "./agent.ts";
import { THREAD_HEADER } from "./limits-job.ts";
import type { LimitsJob, LimitsReport } from "./limits-job.ts";
import { dangling, lastText } from "./seeker.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as LimitsJob;

/** Dies between two steps: the checkpoint is written, nothing of the next step has begun. */
class CrashingSaver extends PostgresSaver {
  override async put(...parameters: Parameters<PostgresSaver["put"]>): Promise<RunnableConfig> {
    const written = await super.put(...parameters);
    crashPoint("checkpoint");
    return written;
  }
}

const pool = new pg.Pool({ connectionString: job.database, max: 6 });

const model = new ChatOpenAI({
  model: job.model,
  apiKey: "none",
  maxRetries: 0,
  configuration: {
    baseURL: job.url,
    defaultHeaders: { [THREAD_HEADER]: encodeURIComponent(job.thread) },
    fetch: async (...request: Parameters<typeof fetch>) => {
      const response = await fetch(...request);
      // The endpoint has been asked and paid; its answer reaches nobody.
      crashPoint("model");
      return response;
    },
  },
});

const lookUp = tool(
  async ({ item }: { item: string }) => {
    // At once, before anything else of this process can run.
    crashPoint("tool");
    await pool.query("INSERT INTO made_calls VALUES ($1, $2)", [job.thread, item]);
    crashPoint("after-effect");
    if (job.tool === "fails") throw Object.assign(new Error("503"), { status: 503 });
    return `${item} is here`;
  },
  { name: "look_up", description: "Looks up", schema: z.object({ item: z.string() }) },
) as StructuredToolInterface;

function middleware(): AnyMiddleware[] {
  const store = evenkeelPostgres(pool, { schema: `${job.schema}_evenkeel` });
  const scope = (): string => job.scope ?? job.thread;
  return [
    ...(job.toolRetries === undefined
      ? []
      : [
          toolRetryMiddleware({
            maxRetries: job.toolRetries,
            initialDelayMs: 0,
            jitter: false,
            onFailure: "continue",
          }) as unknown as AnyMiddleware,
        ]),
    ...(job.breaker === undefined
      ? []
      : [circuitBreakerMiddleware({ ...job.breaker, store, scope })]),
    budgetMiddleware(job.budget),
  ];
}

function graphOf(checkpointer: PostgresSaver, events: EvenkeelEvent[]): TestGraph {
  const tools = [lookUp];
  if (job.shape !== "subgraph") {
    const parts = { shape: job.shape, model, tools, checkpointer, events };
    return agentOf({ ...parts, middleware: middleware() });
  }
  const bound = (wrapModel(model) as unknown as ToolModel).bindTools(tools);
  const team = new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => ({ messages: [await bound.invoke(messages)] }))
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile();
  return withMiddleware(
    new StateGraph(MessagesAnnotation).addNode("team", team).addEdge(START, "team"),
    middleware(),
    { checkpointer, onEvent: (event) => events.push(event) },
  );
}

const saver = new CrashingSaver(pool, undefined, { schema: job.schema });
const events: EvenkeelEvent[] = [];
const graph = graphOf(saver, events);
const config = {
  configurable: { thread_id: job.thread },
  durability: job.durability,
  recursionLimit: 60,
};
const given = job.act === "continue" ? null : { messages: [new HumanMessage("Where is it?")] };
const lost = job.act === "continue" && (await saver.getTuple(config)) === undefined;
const result = lost ? { messages: [] } : await graph.invoke(given, config);
const tuple = await saver.getTuple({ configurable: { thread_id: job.thread } });
const held = tuple?.checkpoint.channel_values["_budget"] as { d?: { spent?: unknown } } | undefined;
reportResult({
  text: lastText(result),
  lost,
  dangling: dangling(result),
  kept: held?.d?.spent,
  events: events.map(({ name, detail }) => ({ name, detail })),
} satisfies LimitsReport);
await pool.end();
