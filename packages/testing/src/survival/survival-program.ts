import { setTimeout as delay } from "node:timers/promises";

import { EvenkeelError } from "@evenkeel/core/errors";
import { awaitAllCallbacks } from "@langchain/core/callbacks/promises";

import { reportResult } from "../crash/child-report.ts";
import { onCrashPoint } from "../crash/crash-point.ts";
import { openPool } from "../postgres/database-pool.ts";
import { boundaryHandler, markCheckpointer } from "./boundaries.ts";
import type { NodeNames } from "./boundaries.ts";
import { carryOn } from "./carry-on.ts";
import { checkpointPackage } from "./checkpoint-package.ts";
import { comparable } from "./comparable.ts";
import { graphOfModule } from "./graph-of-module.ts";
import type { SurvivalParts } from "./graph-of-module.ts";
import { SURVIVAL_JOB } from "./survival-job.ts";
import type { SurvivalJob, SurvivalReport } from "./survival-job.ts";
import { toolRuns } from "./tool-runs.ts";

/** One process in the life of an execution: it starts or resumes the user's graph and tells what came of it. */
export async function runSurvivalJob(module: Readonly<Record<string, unknown>>): Promise<void> {
  const job = JSON.parse(process.env[SURVIVAL_JOB] ?? "{}") as SurvivalJob;
  const boundaries: string[] = [];
  const asked: string[] = [];
  const tell = (more: Partial<SurvivalReport> = {}): void =>
    reportResult({ toolRuns: runs.counts(), boundaries, asked, ...more } satisfies SurvivalReport);
  const runs = toolRuns(tell);
  onCrashPoint((name) => void boundaries.push(name));

  try {
    const parts = await partsOf(job);
    const { graph, checkpointer } = await graphOfModule(module, job.exportName, parts);
    const nodes: NodeNames = new Map();
    markCheckpointer(checkpointer, nodes);
    const { configurable, ...settings } = job.settings;
    const thread = { configurable: { ...configurable, thread_id: job.thread } };
    const config = { ...thread, ...settings, callbacks: [boundaryHandler(nodes, runs)] };
    // A process that died before its first checkpoint has left nothing: its caller asks again.
    const begun = job.act === "resume" && (await checkpointer.getTuple(thread)) !== undefined;
    const execution = {
      graph,
      config,
      answers: job.answers,
      onAsked: (one: string) => asked.push(one),
    };
    await afterLease(() => carryOn(execution, begun ? null : job.input));
    const { values } = await graph.getState(thread);
    await awaitAllCallbacks();
    tell({ state: comparable(values) });
  } catch (error) {
    tell({ failed: describe(error) });
  }
  // The user's module may hold connections that nobody ends.
  process.exit(0);
}

/** Does what a worker does that finds the lease of a killed one: it comes back when that is over. */
async function afterLease(work: () => Promise<void>): Promise<void> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const busy = EvenkeelError.isInstance(error, "execution-busy") ? error : undefined;
      const remainingMs = busy?.details?.["remainingMs"];
      if (typeof remainingMs !== "number") throw error;
      await delay(remainingMs + 1);
    }
  }
}

async function partsOf({ database }: SurvivalJob): Promise<SurvivalParts | undefined> {
  if (database === undefined) return undefined;
  const { PostgresSaver, PostgresStore } = await checkpointPackage();
  const { url, schema } = database;
  const pool = openPool({ connectionString: url, max: 4 });
  return {
    checkpointer: new PostgresSaver(pool, undefined, { schema }),
    store: new PostgresStore({ connectionOptions: url, schema, ensureTables: true }),
    pool,
    databaseUrl: url,
  };
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { code } = error as { code?: unknown };
  const name = typeof code === "string" ? `${error.name} (${code})` : error.name;
  const cause = error.cause instanceof Error ? `, caused by ${describe(error.cause)}` : "";
  return `${name}: ${error.message}${cause}`;
}
