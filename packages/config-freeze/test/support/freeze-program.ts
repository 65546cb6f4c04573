/** One process in the life of an execution: it starts, goes on, is killed where `crash()` says so. */
import { withMiddleware } from "@evenkeel/core";
import { HumanMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Command, interrupt } from "@langchain/langgraph";
import type { BaseCheckpointSaver } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ChatOpenAI } from "@langchain/openai";
import pg from "pg";
import { z } from "zod";

import { reportResult } from "../../../testing/src/crash/child-report.ts";
import { crashPoint } from "../../../testing/src/crash/crash-point.ts";
import { configFreezeMiddleware } from "../../src/index.ts";
import type { TestGraph } from "./agent.ts";
import { CASE_HEADER, SITE_HEADER } from "./freeze-job.ts";
import type { FreezeJob, FreezeReport } from "./freeze-job.ts";
import { buildShape, lastText } from "./shapes.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as FreezeJob;
const monday = job.release === "monday";

/** Dies between two steps: the checkpoint is written, nothing of the next step has begun. */
class CrashingSaver extends PostgresSaver {
  override async put(...parameters: Parameters<PostgresSaver["put"]>): Promise<RunnableConfig> {
    const written = await super.put(...parameters);
    crashPoint("checkpoint");
    return written;
  }
}

function modelAt(site: string): ChatOpenAI {
  return new ChatOpenAI({
    model: monday ? "gpt-5.2" : "gpt-4.1",
    temperature: monday ? 0.1 : 0.9,
    maxTokens: monday ? 300 : 900,
    apiKey: `key-of-${job.release}`,
    maxRetries: 0,
    configuration: {
      baseURL: job.url,
      defaultHeaders: { [CASE_HEADER]: job.thread, [SITE_HEADER]: site },
      fetch: async (...request: Parameters<typeof fetch>) => {
        const response = await fetch(...request);
        // The endpoint has the request; its answer reaches nobody.
        crashPoint("model");
        crashPoint(`model:${site}`);
        return response;
      },
    },
  });
}

function tools(): StructuredToolInterface[] {
  const lookup = tool(() => "order A1 cost 5", {
    name: "lookup",
    description: monday ? "Looks an order up." : "Looks up whatever it is told to.",
    schema: z.object({ order: z.string() }),
  });
  const refund = tool(
    ({ amount }) => {
      crashPoint("tool");
      return `${job.asks ? String(interrupt(`refund ${amount}?`)) : "yes"}: refunded ${amount}`;
    },
    {
      name: "refund",
      description: monday ? "Pays back." : "Pays back at once.",
      schema: z.object({ amount: z.number().describe(monday ? "in euros" : "in dollars") }),
    },
  );
  const cancel = tool(() => "cancelled", { name: "cancel", schema: z.object({}) });
  return monday ? [lookup, refund] : [refund, cancel];
}

function deployed(checkpointer: BaseCheckpointSaver, events: string[]): TestGraph {
  const graph = buildShape(job.shape, {
    model: modelAt,
    prompt: (site) => `[${site}] ${monday ? "You are kind." : "You are strict."}`,
    tools: tools(),
    checkpointer,
  });
  if (!job.frozen) return ("graph" in graph ? graph.graph : graph) as TestGraph;
  return withMiddleware(graph, [configFreezeMiddleware()], {
    onEvent: ({ name }) => events.push(name),
  }) as unknown as TestGraph;
}

async function firstFork(graph: TestGraph, config: Record<string, unknown>): Promise<object> {
  const points: { configurable?: Record<string, unknown> }[] = [];
  for await (const { config: at, next } of graph.getStateHistory(config)) {
    if (next.length > 0) points.push(at);
  }
  const early = points.at(-2) ?? points.at(-1);
  return early?.configurable ?? {};
}

const pool = new pg.Pool({ connectionString: job.database, max: 4 });
const saver = new CrashingSaver(pool, undefined, { schema: job.schema });
const events: string[] = [];
const graph = deployed(saver, events);
const config = {
  configurable: { thread_id: job.thread },
  durability: job.durability,
  recursionLimit: 60,
};
const input = {
  start: () => ({ messages: [new HumanMessage("refund A1")] }),
  continue: () => null,
  resume: () => new Command({ resume: "yes" }),
  fork: () => null,
}[job.act]();
const from = job.act === "fork" ? await firstFork(graph, config) : {};
const lost = job.act !== "start" && (await saver.getTuple(config)) === undefined;
const result = lost
  ? { messages: [] }
  : await graph.invoke(input, { ...config, configurable: { ...config.configurable, ...from } });
reportResult({ text: lastText(result), lost, events } satisfies FreezeReport);
await pool.end();
