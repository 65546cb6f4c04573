/** One process in the life of an execution: it starts, goes on, is killed where `crash()` says so. */
import { EvenkeelError, withMiddleware } from "@evenkeel/core";
import type { EffectLedger, ExecutionLease } from "@evenkeel/core";
import { evenkeelPostgres } from "@evenkeel/postgres";
import { AIMessage, HumanMessage, ToolMessage } from "@langchain/core/messages";
import type { BaseMessage } from "@langchain/core/messages";
import type { RunnableConfig } from "@langchain/core/runnables";
import { tool } from "@langchain/core/tools";
import type { StructuredToolInterface } from "@langchain/core/tools";
import { Command, INTERRUPT, interrupt } from "@langchain/langgraph";
import { PostgresSaver } from "@langchain/langgraph-checkpoint-postgres";
import { ChatOpenAI } from "@langchain/openai";
import pg from "pg";
import { z } from "zod";

import { reportResult } from "../../../testing/src/crash/child-report.ts";
import { crashPoint } from "../../../testing/src/crash/crash-point.ts";
import { effectTransaction, idempotencyKey, toolIdempotencyMiddleware } from "../../src/index.ts";
import { buildGraph } from "./effects-graphs.ts";
import { LEASE_MS } from "./effects-job.ts";
import type { EffectsJob, EffectsReport } from "./effects-job.ts";

const job = JSON.parse(process.argv[2] ?? "{}") as EffectsJob;
const pool = new pg.Pool({ connectionString: job.database, max: 4 });
pool.on("error", () => undefined);

async function around<Answer>(name: string, work: () => Promise<Answer>): Promise<Answer> {
  crashPoint(`${name}:before`);
  const answer = await work();
  crashPoint(`${name}:after`);
  return answer;
}

/** Dies before and after what it writes, named by what is in it. */
class CrashingSaver extends PostgresSaver {
  override put(...parameters: Parameters<PostgresSaver["put"]>): Promise<RunnableConfig> {
    const { messages } = parameters[1].channel_values as { messages?: BaseMessage[] };
    const last = messages?.at(-1);
    const calls = AIMessage.isInstance(last) && (last.tool_calls ?? []).length > 0;
    const holds = ToolMessage.isInstance(last) ? "answer" : calls ? "call" : "other";
    return around(`checkpoint:${holds}`, () => super.put(...parameters));
  }

  override putWrites(...parameters: Parameters<PostgresSaver["putWrites"]>): Promise<void> {
    const answers = parameters[1].some(
      ([, value]) =>
        [value].flat().some((one) => ToolMessage.isInstance(one)) || holdsAnswer(value),
    );
    return around(`writes:${answers ? "answer" : "other"}`, () => super.putWrites(...parameters));
  }
}

function holdsAnswer(value: unknown): boolean {
  const { messages }: { messages?: unknown } =
    typeof value === "object" && value !== null ? value : {};
  return Array.isArray(messages) && messages.some((one) => ToolMessage.isInstance(one));
}

/** The store the product has, with a place to die before and after each thing it is asked. */
function crashing(store: EffectLedger & ExecutionLease): EffectLedger & ExecutionLease {
  const { settleInTransaction } = store;
  return {
    ...store,
    acquireLease: (request) => around("lease", () => store.acquireLease(request)),
    claimEffect: (request) => around("claim", () => store.claimEffect(request)),
    settleEffect: (claim, settlement) =>
      around("settle", () => store.settleEffect(claim, settlement)),
    ...(settleInTransaction === undefined
      ? {}
      : {
          settleInTransaction: async (claim, work) => {
            const kept = await settleInTransaction(claim, async (transaction) => {
              const settlement = await work(transaction);
              crashPoint("settle:before");
              return settlement;
            });
            crashPoint("settle:after");
            return kept;
          },
        }),
  };
}

async function pay(about: string, deduplicates: boolean): Promise<void> {
  const key = job.bare ? undefined : idempotencyKey();
  const body = JSON.stringify({ thread: job.thread, about, key, deduplicates });
  await around("effect", async () => {
    const response = await fetch(job.payments, { method: "POST", body });
    if (!response.ok) throw new Error(`The payment service answered ${response.status}.`);
  });
}

const shape = { schema: z.object({ order: z.string(), amount: z.string(), reason: z.string() }) };

function tools(): StructuredToolInterface[] {
  const refund = tool(
    async ({ order }) => {
      await pay(`refund ${order}`, true);
      return `refunded ${order}`;
    },
    { name: "refund", description: "Pays back.", ...shape },
  );
  const notify = tool(
    async ({ order }) => {
      await pay(`notify ${order}`, false);
      return `told the customer of ${order}`;
    },
    { name: "notify", description: "Writes to the customer.", ...shape },
  );
  const credit = tool(
    async ({ order }) => {
      const client = job.bare ? pool : effectTransaction<pg.PoolClient>();
      await around("effect", () =>
        client.query(`INSERT INTO "${job.ledger}".credits (thread, about) VALUES ($1, $2)`, [
          job.thread,
          `credit ${order}`,
        ]),
      );
      return `credited ${order}`;
    },
    { name: "credit", description: "Grants store credit.", ...shape },
  );
  const ask = tool(({ order }) => `a person said ${String(interrupt(`about ${order}?`))}`, {
    name: "ask",
    description: "Asks a person.",
    ...shape,
  });
  return [refund, notify, credit, ask];
}

const events: string[] = [];
const saver = new CrashingSaver(pool, undefined, { schema: job.schema });

interface Runnable {
  invoke(input: unknown, config: object): Promise<Record<string, unknown>>;
  getStateHistory(config: object): AsyncIterable<{ config: RunnableConfig }>;
}

function deployed(): Runnable {
  const model = new ChatOpenAI({
    model: "gpt-5.2",
    apiKey: "none-needed-locally",
    maxRetries: 0,
    configuration: { baseURL: job.model },
  });
  const parts = { model, tools: tools(), checkpointer: saver };
  const graph = buildGraph(job.kind, job.scene === "subgraph", parts);
  if (job.bare) return ("graph" in graph ? graph.graph : graph) as Runnable;
  const idempotency = toolIdempotencyMiddleware({
    store: crashing(evenkeelPostgres(pool, { schema: job.ledger })),
    leaseMs: LEASE_MS,
    onReplan: "reuse",
    tools: {
      refund: "keyed",
      credit: "transactional",
      ask: "pure",
      notify: {
        effect: "once",
        reconcile: async (key) => {
          const response = await fetch(`${job.payments}?key=${key}`);
          const { done } = (await response.json()) as { done: boolean };
          return done
            ? { status: "done", result: "told the customer of A1" }
            : { status: "not-done" };
        },
      },
    },
  });
  return withMiddleware(graph, [idempotency], {
    onEvent: ({ name }) => events.push(name),
  }) as unknown as Runnable;
}

/** The execution's first checkpoint, as an attempt that is planned anew begins there. */
async function firstOf(graph: Runnable, config: object): Promise<string | undefined> {
  let first: string | undefined;
  for await (const { config: at } of graph.getStateHistory(config)) {
    first = at.configurable?.["checkpoint_id"] as string | undefined;
  }
  return first;
}

const graph = deployed();
const config = {
  configurable: { thread_id: job.thread },
  durability: job.durability,
  recursionLimit: 40,
};
const nothing = job.act === "start" || (await saver.getTuple(config)) === undefined;
const input = nothing
  ? { messages: [new HumanMessage(`${job.scene}: order A1 (${job.thread})`)] }
  : job.act === "resume"
    ? new Command({ resume: "yes" })
    : null;
const from = job.act === "again" && !nothing ? await firstOf(graph, config) : undefined;
const at = from === undefined ? {} : { checkpoint_id: from };

let busy = 0;
async function untilFree(): Promise<Record<string, unknown>> {
  for (;;) {
    try {
      return await graph.invoke(input, {
        ...config,
        configurable: { ...config.configurable, ...at },
      });
    } catch (error) {
      if (!EvenkeelError.isInstance(error, "execution-busy")) throw error;
      busy += 1;
      await new Promise((later) => setTimeout(later, 100));
    }
  }
}

const result = await untilFree();
const paused = INTERRUPT in result;
reportResult({
  paused,
  said: saidIn(result["messages"] as BaseMessage[]),
  events,
  busy,
} satisfies EffectsReport);
await pool.end();

/** What was said to the user and by tools; answers of tools in one order, since a new plan may have another. */
function saidIn(messages: readonly BaseMessage[]): string[] {
  const answers = messages.filter((message) => ToolMessage.isInstance(message));
  const texts = answers.map(
    ({ name, text, status }) => `${name}: ${text} (${status ?? "success"})`,
  );
  return [...texts.toSorted(), messages.at(-1)?.text ?? ""];
}
