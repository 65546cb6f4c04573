import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { freshDatabase, run, startOpenAIEndpoint } from "@evenkeel/testing";
import { HumanMessage } from "@langchain/core/messages";

import { startPaymentService } from "./payment-service.ts";
import { startPgBouncer } from "./pgbouncer.ts";
import { EFFECTS, creditsIn, refundAgent, setUpAgent } from "./refund-agent.ts";
import { refundScript } from "./refund-script.ts";
import type { WorkerJob, WorkerReport } from "./worker-job.ts";

/** How the workers reach Postgres. */
export type Route =
  | "direct"
  /** Through PgBouncer in transaction mode. */
  | "pgbouncer"
  /** By a connection that is thrown away after each use, so that nothing of a session outlives it. */
  | "no session";

/** What came of it, and what of that is not as promised. */
export interface WorkersReport {
  readonly route: Route;
  readonly executions: number;
  readonly effects: number;
  readonly twice: number;
  readonly lost: number;
  readonly "finished once": number;
  readonly "execution-busy": number;
  readonly reused: number;
  readonly seconds: number;
  readonly faults: readonly string[];
}

const WORKERS = 2;
const LANES = 8;
const PROGRAM = new URL("./worker-program.ts", import.meta.url);

/** Has two processes resume the same paused executions at once, and counts by what others saw of it. */
export async function twoWorkers(executions: number, route: Route): Promise<WorkersReport> {
  const folder = await mkdtemp(join(tmpdir(), "two-workers-"));
  const { script, finals } = refundScript();
  const [model, database, payments] = await Promise.all([
    startOpenAIEndpoint({ script }),
    freshDatabase({ maxConnections: LANES }),
    startPaymentService(join(folder, "payments.jsonl"), WORKERS),
  ]);
  const bouncer = route === "pgbouncer" ? await startPgBouncer(database.url, folder) : undefined;
  try {
    await setUpAgent(database.pool);
    const threads = Array.from({ length: executions }, (_, index) => `execution ${index + 1}`);
    const shared = { model: model.url, payments: payments.url, leaseMs: 15_000 };
    const agent = refundAgent({ ...shared, pool: database.pool });
    // Each is left where its model has decided and nothing was done yet.
    const paused = threads.values();
    await Promise.all(
      Array.from({ length: LANES }, async () => {
        for (const thread of paused) {
          await agent.invoke(
            { messages: [new HumanMessage(thread)] },
            { configurable: { thread_id: thread }, durability: "sync", interruptBefore: ["tools"] },
          );
        }
      }),
    );
    const job: WorkerJob = {
      ...shared,
      threads,
      database: bouncer?.url ?? database.url,
      lanes: LANES,
      pool: route === "no session" ? { maxUses: 1 } : {},
    };
    const startedAt = performance.now();
    const reports = await Promise.all(
      Array.from({ length: WORKERS }, async () => {
        const args = [JSON.stringify(job)];
        const options = { script: PROGRAM, args, bundle: true, timeoutMs: 900_000 };
        return (await run<WorkerReport>(options)).result;
      }),
    );
    const seconds = Math.round((performance.now() - startedAt) / 100) / 10;
    const credits = await creditsIn(database.pool);
    const counts = threads.flatMap((thread) => {
      const done = payments.done(thread);
      return [...EFFECTS.map((effect) => done[effect] ?? 0), credits.get(thread) ?? 0];
    });
    const sum = (of: (report: WorkerReport) => number): number =>
      reports.reduce((all, report) => all + of(report), 0);
    const figures = {
      route,
      executions,
      effects: counts.reduce((all, times) => all + times, 0),
      twice: counts.filter((times) => times > 1).length,
      lost: counts.filter((times) => times === 0).length,
      "finished once": threads.filter((thread) => finals.get(thread) === 1).length,
      "execution-busy": sum(({ busy }) => busy),
      reused: sum(({ reused }) => reused),
      seconds,
    };
    return { ...figures, faults: faultsOf(figures, reports) };
  } finally {
    await bouncer?.stop();
    await Promise.all([model.close(), payments.close(), database.drop()]);
    await rm(folder, { recursive: true, force: true });
  }
}

function faultsOf(
  figures: Omit<WorkersReport, "faults">,
  reports: readonly WorkerReport[],
): string[] {
  const { executions, twice, lost } = figures;
  const faults = reports.flatMap(({ failures }) => failures);
  if (twice > 0) faults.push(`${twice} effects happened more than once`);
  if (lost > 0) faults.push(`${lost} effects never happened`);
  if (figures["finished once"] !== executions) {
    faults.push(`${executions - figures["finished once"]} executions were not finished just once`);
  }
  if (reports.some(({ ended }) => ended !== executions)) {
    faults.push("a worker did not see the end of each execution");
  }
  // Workers that never met prove nothing.
  if (figures["execution-busy"] === 0) faults.push("no execution was ever busy");
  return faults;
}
