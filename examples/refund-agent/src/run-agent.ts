import { appendFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

import { EvenkeelError, withMiddleware, wrapModel } from "@evenkeel/core";
import type { EvenkeelEvent } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { reportResult } from "@evenkeel/testing";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { HumanMessage } from "@langchain/core/messages";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { GraphRecursionError } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { recommendedStack } from "evenkeel";
import { Client } from "langsmith";
import pg from "pg";

import { modelOf, refundAgent } from "./agent.ts";
import { LOST_ORDER } from "./lost-order.ts";
import type { LostOrderRun } from "./lost-order.ts";
import { releaseOf } from "./releases.ts";
import { lookUpPayment, remedies } from "./tools.ts";
import type { ChildResult, Variant } from "./variants.ts";

// One process of the demonstration: it starts the customer's run, or resumes it after the crash.
const [variant, releaseName, step, schema, requests] = process.argv.slice(2) as [
  Variant,
  string,
  "start" | "resume" | "lost",
  string,
  string,
];

const release = releaseOf(releaseName);
const pool = new pg.Pool({ connectionString: process.env["DEMO_DATABASE_URL"] });
pool.on("error", () => undefined);
const checkpointer = new PostgresSaver(pool, undefined, { schema });
const store = evenkeelPostgres(pool, { schema: `${schema}_evenkeel` });
if (step === "start") await Promise.all([checkpointer.setup(), store.setup()]);

const model = modelOf(release, {
  baseURL: process.env["DEMO_MODEL_URL"],
  apiKey: process.env["OPENAI_API_KEY"] ?? "none-needed-locally",
  fetch: recording,
});
const events: EvenkeelEvent[] = [];
const agent =
  variant === "bare"
    ? refundAgent(release, model, checkpointer)
    : withMiddleware(
        refundAgent(release, wrapModel(model), checkpointer),
        recommendedStack({
          store,
          configFreeze: { tools: remedies },
          runFlags: { severity: "medium" },
          loopDetection: { exitBehavior: "error" },
          failureRetry: { maxAttempts: 2 },
          toolIdempotency: {
            leaseMs: 1_500,
            default: "pure",
            tools: {
              refund: { effect: "once", reconcile: lookUpPayment },
              store_credit: { effect: "once", reconcile: lookUpPayment },
            },
          },
        }),
        { onEvent: (event) => void events.push(event) },
      );

const client = new Client();
const config = {
  configurable: { thread_id: step === "lost" ? `${variant}-lost` : variant },
  callbacks: [new LangChainTracer({ client })],
  durability: "sync" as const,
  runName: "refund-agent",
};
const ask = (letter: string) => ({ messages: [new HumanMessage(letter)] });
if (step === "lost") {
  reportResult({
    ended: await lastWords(),
    attempts: Math.max(1, ...events.map(({ attempt }) => attempt)),
    flags: events.flatMap(({ name, detail }) => (name === "run-flagged" ? reasonsOf(detail) : [])),
  } satisfies LostOrderRun);
} else {
  const letter = "I was charged twice for order A-1042. Please help.";
  const state = await onceFree(() => agent.invoke(step === "resume" ? null : ask(letter), config));
  const steps: number[] = [];
  for await (const snapshot of agent.getStateHistory(config)) {
    steps.push(snapshot.metadata?.step ?? 0);
  }
  reportResult({
    answer: state.messages.at(-1)?.text ?? "",
    supersteps: Math.max(...steps),
    checkpoints: steps.length,
    drift: events.flatMap(({ name, detail }) =>
      name === "config-drifted" ? fieldsOf(detail) : [],
    ),
  } satisfies ChildResult);
}
await awaitAllCallbacks();
await client.awaitPendingTraceBatches();
await pool.end();

/** What the customer with the mistyped number is told, or what ended the run. */
async function lastWords(): Promise<string> {
  try {
    const { messages } = await agent.invoke(ask(LOST_ORDER), config);
    return messages.at(-1)?.text ?? "";
  } catch (error) {
    if (!(error instanceof GraphRecursionError)) throw error;
    return "ended by LangGraph's recursion limit";
  }
}

/** What really went out to the model is written down where it leaves the process. */
async function recording(...[url, init]: Parameters<typeof globalThis.fetch>): Promise<Response> {
  if (typeof init?.body === "string") await appendFile(requests, `${init.body}\n`);
  return globalThis.fetch(url, init);
}

/** A process that was killed holds its execution until its lease runs out. */
async function onceFree<State>(invoke: () => Promise<State>): Promise<State> {
  for (;;) {
    try {
      return await invoke();
    } catch (error) {
      if (!EvenkeelError.isInstance(error, "execution-busy")) throw error;
      await setTimeout(100);
    }
  }
}

function fieldsOf(detail: Readonly<Record<string, unknown>>): string[] {
  const fields = detail["fields"];
  return Array.isArray(fields) ? fields.map(({ field }: { field: string }) => field) : [];
}

function reasonsOf({ reasons }: Readonly<Record<string, unknown>>): string[] {
  return Array.isArray(reasons) ? (reasons as string[]) : [];
}
