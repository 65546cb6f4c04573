/** One process in the life of an execution: it starts or goes on, and is killed where `crash()` says so. */
import { EvenkeelError, withMiddleware } from "@evenkeel/core";
import type { Middleware } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import type { RunFlagsMiddleware } from "@evenkeel/run-flags";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { HumanMessage } from "@langchain/core/messages";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { Command, INTERRUPT } from "@langchain/langgraph";
import { ChatOpenAI } from "@langchain/openai";
import { recommendedStack } from "evenkeel";
import { Client } from "langsmith";
import pg from "pg";

import { reportResult } from "../../../packages/testing/src/crash/child-report.ts";
import { comparable } from "../../../packages/testing/src/survival/comparable.ts";
import { buildAgent } from "./agent.ts";
import { CASE_HEADER, LEASE_MS, PROMPTS } from "./job.ts";
import type { EverythingJob, EverythingReport } from "./job.ts";
import { CrashingSaver, crashingStore, point, points } from "./points.ts";
import { effectsOf, toolsOf } from "./tools.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as EverythingJob;
const monday = job.release === "monday";
const pool = new pg.Pool({ connectionString: job.database, max: 4 });
pool.on("error", () => undefined);
const saver = new CrashingSaver(pool, undefined, { schema: job.schema });
const store = crashingStore(evenkeelPostgres(pool, { schema: job.evenkeel }));
const client = new Client({
  apiUrl: job.langsmith,
  apiKey: "none-needed-locally",
  fetchImplementation: async (...request: Parameters<typeof fetch>) => {
    const response = await fetch(...request);
    if (/\/feedback$|\/runs\/by-key$/.test(String(request[0])) && response.ok) point("review");
    return response;
  },
});
const model = new ChatOpenAI({
  model: "gpt-5.2",
  temperature: monday ? 0.1 : 0.9,
  apiKey: `key-of-${job.release}`,
  maxRetries: 0,
  configuration: {
    baseURL: job.model,
    defaultHeaders: { [CASE_HEADER]: job.thread },
    fetch: async (...request: Parameters<typeof fetch>) => {
      const response = await fetch(...request);
      // The endpoint has the request; its answer reaches nobody.
      point("model");
      return response;
    },
  },
});

interface Runnable {
  invoke(input: unknown, config: object): Promise<Record<string, unknown>>;
  getState(config: object): Promise<{
    values: object;
    tasks: readonly { interrupts: readonly object[] }[];
  }>;
}

const stack: Middleware[] = recommendedStack({
  store,
  // The other cases of the matrix are no history of this one.
  runFlags: { langsmith: { client }, baseline: false },
  failureRetry: { initialInterval: 0, verify: ({ text }) => text !== "Not yet." },
  budget: { perExecution: { modelCalls: 50 }, perThread: { toolCalls: 100 } },
  toolIdempotency: { leaseMs: LEASE_MS, tools: effectsOf(job) ?? {} },
});
const heard: number[] = [];
const graph = withMiddleware(
  buildAgent(job.kind, job.scene === "subgraph", {
    model,
    prompt: PROMPTS[job.release],
    tools: toolsOf(job),
    checkpointer: saver,
  }),
  stack,
  {
    eventStore: store,
    onEvent: ({ sequence }) => void heard.push(sequence),
  },
) as unknown as Runnable;
const config = {
  configurable: { thread_id: job.thread },
  durability: job.durability,
  callbacks: [new LangChainTracer({ client, projectName: "everything" })],
};

/** What a worker does that finds the lease of a killed one: it comes back when that is over. */
async function untilFree(input: unknown): Promise<Record<string, unknown>> {
  for (;;) {
    try {
      return await graph.invoke(input, config);
    } catch (error) {
      if (!EvenkeelError.isInstance(error, "execution-busy")) throw error;
      await new Promise((later) => setTimeout(later, 50));
    }
  }
}

const anew = (await saver.getTuple({ configurable: config.configurable })) === undefined;
const { tasks } = await graph.getState(config);
const asked = tasks.some(({ interrupts }) => interrupts.length > 0);
const first = { messages: [new HumanMessage(job.scene)] };
const result = await untilFree(anew ? first : asked ? new Command({ resume: "yes" }) : null);
await awaitAllCallbacks();
await client.awaitPendingTraceBatches();
await (stack.find(({ name }) => name === "runFlagsMiddleware") as RunFlagsMiddleware).flush();
// Which versions made a message is no part of what was said.
const state = JSON.stringify(comparable((await graph.getState(config)).values), (key, value) =>
  key === "metadata" ? undefined : (value as unknown),
);
const handles = [...new Set(state.match(/res_[0-9a-z]{20}/g))];
const tuple = await saver.getTuple({ configurable: config.configurable });
const identity = tuple?.checkpoint.channel_values["_execution"] as { d: { id: string } };
reportResult({
  executionId: identity.d.id,
  paused: INTERRUPT in result,
  anew,
  state: JSON.parse(state.replaceAll(/res_[0-9a-z]{20}/g, "<handle>")),
  handles,
  points,
  heard,
} satisfies EverythingReport);
await pool.end();
