/** One process in the life of an execution: it starts, goes on, is killed where `crash()` says so. */
import { withMiddleware, wrapModel } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { crashPoint, reportResult } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { tool } from "@langchain/core/tools";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Command, MessagesAnnotation, START, StateGraph, interrupt } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ToolNode, toolsCondition } from "@langchain/langgraph/prebuilt";
import { ChatOpenAI } from "@langchain/openai";
import { Client } from "langsmith";
import pg from "pg";
import { z } from "zod";

import { runFlagsMiddleware } from "../../src/index.ts";
import type { FlagsJob } from "./flags-job.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as FlagsJob;

/** Cuts the power between two requests of the client. */
async function cutting(...[url, init]: Parameters<typeof fetch>): Promise<Response> {
  const feedback = init?.method === "POST" && String(url).endsWith("/feedback");
  const response = await fetch(url, init);
  if (feedback && response.ok) crashPoint("feedback");
  if (String(url).endsWith("/runs/by-key") && response.ok) crashPoint("queue");
  return response;
}

const client = new Client({ callerOptions: { maxRetries: 0 }, fetchImplementation: cutting });
const order = z.object({ id: z.string(), amount: z.number().optional() });
const getOrder = tool(
  async ({ id }) => {
    // Meanwhile what was traced so far is sent.
    await client.awaitPendingTraceBatches();
    crashPoint("tool");
    return JSON.stringify({ id, total: 40 });
  },
  { name: "get_order", description: "Reads an order.", schema: order },
);
const refund = tool(() => '{"status": "refunded"}', {
  name: "refund",
  description: "Refunds an order.",
  schema: order,
});
const approve = tool(() => String(interrupt("Refund 40 EUR?")), {
  name: "approve",
  description: "Asks a person.",
  schema: z.object({}),
});
const chargeBack = tool(
  () => {
    throw new Error("The payment gateway answered 503.");
  },
  { name: "charge_back", description: "Charges back.", schema: z.object({}) },
);

const tools = [getOrder, refund, approve, chargeBack];
const model = wrapModel(
  new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "none-needed-locally",
    configuration: { baseURL: job.modelUrl },
  }),
).bindTools(tools);
const pool = new pg.Pool({ connectionString: job.databaseUrl, max: 4 });
pool.on("error", () => undefined);
const flags = runFlagsMiddleware({
  store: evenkeelPostgres(pool),
  langsmith: { client },
  onError: (error) => void process.stderr.write(`${String(error)}\n`),
});
const agent = withMiddleware(
  new StateGraph(MessagesAnnotation)
    .addNode("agent", async ({ messages }) => {
      crashPoint("model");
      if (job.broken === true && messages.length > 2) throw new Error("The node is broken.");
      return { messages: [await model.invoke(messages)] };
    })
    .addNode("tools", new ToolNode(tools))
    .addEdge(START, "agent")
    .addConditionalEdges("agent", toolsCondition)
    .addEdge("tools", "agent")
    .compile({
      checkpointer: new PostgresSaver(pool, undefined, { schema: job.schema }),
      name: "refund-agent",
    }),
  [flags],
);

const { input } = job;
const failure = await agent
  .invoke(
    typeof input === "string"
      ? { messages: [{ role: "user", content: input }] }
      : input === null
        ? null
        : new Command({ resume: input.answer }),
    {
      configurable: { thread_id: job.thread },
      durability: "sync",
      callbacks: [new LangChainTracer({ client })],
    },
  )
  .then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : typeof error),
  );
await awaitAllCallbacks();
await client.awaitPendingTraceBatches();
if (job.flush) await flags.flush();
reportResult({ failure });
await pool.end();
