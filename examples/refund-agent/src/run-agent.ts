import { appendFile } from "node:fs/promises";
import { setTimeout } from "node:timers/promises";

import { configFreezeMiddleware } from "@evenkeel/config-freeze";
import { EvenkeelError, withMiddleware, wrapModel } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { reportResult } from "@evenkeel/testing";
import { toolIdempotencyMiddleware } from "@evenkeel/tool-idempotency";
import { toolResultOffloadMiddleware } from "@evenkeel/tool-result-offload";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";
import { HumanMessage } from "@langchain/core/messages";
import { LangChainTracer } from "@langchain/core/tracers/tracer_langchain";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { Client } from "langsmith";
import pg from "pg";

import { modelOf, refundAgent } from "./agent.ts";
import { releaseOf } from "./releases.ts";
import { lookUpPayment, remedies } from "./tools.ts";
import type { ChildResult, Variant } from "./variants.ts";

// One process of the demonstration: it starts the customer's run, or resumes it after the crash.
const [variant, releaseName, step, schema, requests] = process.argv.slice(2) as [
  Variant,
  string,
  "start" | "resume",
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
const drift: string[] = [];
const agent =
  variant === "bare"
    ? refundAgent(release, model, checkpointer)
    : withMiddleware(
        refundAgent(release, wrapModel(model), checkpointer),
        [
          configFreezeMiddleware({ tools: remedies }),
          toolResultOffloadMiddleware({ store }),
          toolIdempotencyMiddleware({
            store,
            leaseMs: 1_500,
            default: "pure",
            tools: {
              refund: { effect: "once", reconcile: lookUpPayment },
              store_credit: { effect: "once", reconcile: lookUpPayment },
            },
          }),
        ],
        {
          onEvent: ({ name, detail }) => {
            if (name === "config-drifted") drift.push(...fieldsOf(detail));
          },
        },
      );

const client = new Client();
const config = {
  configurable: { thread_id: variant },
  callbacks: [new LangChainTracer({ client })],
  durability: "sync" as const,
  runName: "refund-agent",
};
const input =
  step === "resume"
    ? null
    : { messages: [new HumanMessage("I was charged twice for order A-1042. Please help.")] };
const state = await onceFree(() => agent.invoke(input, config));

const steps: number[] = [];
for await (const snapshot of agent.getStateHistory(config)) {
  steps.push(snapshot.metadata?.step ?? 0);
}
reportResult({
  answer: state.messages.at(-1)?.text ?? "",
  supersteps: Math.max(...steps),
  checkpoints: steps.length,
  drift,
} satisfies ChildResult);
await awaitAllCallbacks();
await client.awaitPendingTraceBatches();
await pool.end();

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
