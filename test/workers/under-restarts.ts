import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

import { EvenkeelError } from "@evenkeel/core";
import { endPool, openPool, startOpenAIEndpoint, startPostgres } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";

import { startPaymentService } from "./payment-service.ts";
import { EFFECTS, creditsIn, refundAgent, setUpAgent } from "./refund-agent.ts";
import { refundScript } from "./refund-script.ts";

/** What came of it, and what of that is not as promised. */
export interface RestartsReport {
  readonly restarts: number;
  readonly executions: number;
  readonly effects: number;
  readonly twice: number;
  readonly lost: number;
  readonly unfinished: number;
  /** Runs that failed and were resumed. */
  readonly resumed: number;
  readonly "execution-busy": number;
  /** Requests the service had carried out before, under the same key. */
  readonly "same key again": number;
  readonly seconds: number;
  /** What runs failed with, by code or name, counted. */
  readonly failures: Readonly<Record<string, number>>;
  readonly faults: readonly string[];
}

const LANES = 8;
const LEASE_MS = 1_500;
const MOST_RESUMES = 500;

/** Carries executions on, eight at a time, while their Postgres crashes every few seconds. */
export async function underRestarts(forMs: number, everyMs: number): Promise<RestartsReport> {
  const folder = await mkdtemp(join(tmpdir(), "restarts-"));
  const { script } = refundScript();
  const [model, payments, postgres] = await Promise.all([
    startOpenAIEndpoint({ script }),
    startPaymentService(join(folder, "payments.jsonl")),
    // A server of its own; a crash of it alone loses nothing that it gave to the system.
    startPostgres({ databaseUrl: "" }),
  ]);
  const pool = openPool({ connectionString: postgres.url, max: 2 * LANES });
  try {
    await setUpAgent(pool);
    const agent = refundAgent({
      pool,
      model: model.url,
      payments: payments.url,
      leaseMs: LEASE_MS,
    });
    const failures: Record<string, number> = {};
    const threads: string[] = [];
    const unfinished: string[] = [];
    let resumed = 0;
    let busy = 0;

    async function carryOn(thread: string): Promise<void> {
      const config = { configurable: { thread_id: thread }, durability: "sync" };
      for (let tries = 0; tries < MOST_RESUMES; tries += 1) {
        try {
          const begun = (await agent.saver.getTuple(config)) !== undefined;
          const input = begun ? null : { messages: [new HumanMessage(thread)] };
          const { messages } = await agent.invoke(input, config);
          if (messages.at(-1)?.text === "All is done.") return;
          throw new Error(`ended with ${JSON.stringify(messages.at(-1)?.text)}`);
        } catch (error) {
          const name = nameOf(error);
          failures[name] = (failures[name] ?? 0) + 1;
          if (name === "execution-busy") busy += 1;
          else resumed += 1;
          await setTimeout(200);
        }
      }
      unfinished.push(thread);
    }

    const startedAt = performance.now();
    const over = (): boolean => performance.now() - startedAt >= forMs;
    const lanes = Promise.all(
      Array.from({ length: LANES }, async () => {
        while (!over()) {
          const thread = `execution ${threads.length + 1}`;
          threads.push(thread);
          await carryOn(thread);
        }
      }),
    );
    let restarts = 0;
    while (!over()) {
      await setTimeout(everyMs);
      if (over()) break;
      await postgres.restart("immediate");
      restarts += 1;
    }
    await lanes;
    const seconds = Math.round((performance.now() - startedAt) / 1_000);
    const credits = await creditsIn(pool);
    const counts = threads.flatMap((thread) => {
      const done = payments.done(thread);
      return [...EFFECTS.map((effect) => done[effect] ?? 0), credits.get(thread) ?? 0];
    });
    const figures = {
      restarts,
      executions: threads.length,
      effects: counts.reduce((all, times) => all + times, 0),
      twice: counts.filter((times) => times > 1).length,
      lost: counts.filter((times) => times === 0).length,
      unfinished: unfinished.length,
      resumed,
      "execution-busy": busy,
      "same key again": payments.repeated(),
      seconds,
      failures,
    };
    return { ...figures, faults: faultsOf(figures) };
  } finally {
    await endPool(pool);
    await Promise.all([model.close(), payments.close(), postgres.stop()]);
    await rm(folder, { recursive: true, force: true });
  }
}

function faultsOf(figures: Omit<RestartsReport, "faults">): string[] {
  const { twice, lost, unfinished, restarts, resumed } = figures;
  const faults: string[] = [];
  if (twice > 0) faults.push(`${twice} effects happened more than once`);
  if (lost > 0) faults.push(`${lost} effects never happened`);
  if (unfinished > 0) faults.push(`${unfinished} executions never came to their end`);
  // A server whose crashes nobody felt proves nothing.
  if (restarts === 0 || resumed === 0) faults.push("no restart was ever felt by a run");
  return faults;
}

function nameOf(error: unknown): string {
  if (EvenkeelError.isInstance(error)) return error.code;
  const { code }: { code?: unknown } = typeof error === "object" && error !== null ? error : {};
  if (typeof code === "string") return code;
  return error instanceof Error ? error.message.slice(0, 60) : typeof error;
}
